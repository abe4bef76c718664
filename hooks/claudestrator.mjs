/**
 * Claude Code's hooks module: it obeys the helper's directives, so that no model has to. The helper decides; this file asks
 * it, starts agents, and draws. All that a run needs is in the helper's files, so that it goes on after a reload or a resume.
 * @typedef {import('claude-code').EngineInterface} Engine
 * @typedef {{ kind: 'SPAWN' | 'WAIT' | 'STOP', id: string, model: string, attempt: number, prompt: string, cwd?: string, sentence: string, exitCode?: number, isAsked?: boolean, isHeld?: boolean, agent?: string }} Directive
 * @typedef {{ done: number, failed: number, total: number, next: { id: string, what: string } | null,
 *             running: { id: string, what: string, model: string, attempt: number, since: number }[], loop: number, loops: number, status: string }} Band
 * @typedef {{ lines: string[], directives: Directive[], band?: Band, key?: string, engine?: string, opening?: string, isBroken?: true, isSettled?: boolean }} Reply
 */

const HELD = 'the session was stopped' // how an agent is refused after Esc: in 2.1.329 and 2.1.332, and not yet in 2.1.286
const HELD_WHY = 'After Esc, Claude Code starts no agent until you have typed something; then the run goes on.'
const HUNG = 900_000 // milliseconds without a word from a helper that takes steps: it says something every 570 seconds

/**
 * What a person may ask for at any time, also while the model is answering: such a name may hold no colon. With `instead`
 * the plugin's Markdown command of that name does the same, and no model is asked to relay it.
 * @type {{ name: string, words: string[], description: string, argumentHint?: string, instead?: boolean }[]}
 */
const COMMANDS = [
  { name: 'status', words: ['status'], description: "Show the run's progress", instead: true },
  { name: 'issue', words: ['add-issue', '--words', '-'], description: 'File an issue in plain words', argumentHint: '<what is wrong, or wanted>' },
  { name: 'task', words: ['add-tasks', '--words', '-'], description: 'Add a task in plain words', argumentHint: '<what is to be done>' },
  { name: 'show', words: ['show', '-'], description: 'Show all there is about one task', argumentHint: '<task>' },
  { name: 'log', words: ['log', '-'], description: 'Show what has happened', argumentHint: '[task]' },
  { name: 'tail', words: ['tail', '-'], description: "Show what a task's agent is doing", argumentHint: '<task>' },
  { name: 'retry', words: ['retry', '--words', '-'], description: 'Give tasks all their attempts again', argumentHint: '<task> [hint]', instead: true },
  { name: 'skip', words: ['skip', '--words', '-'], description: 'Leave tasks out of the run', argumentHint: '<task> [unblock]', instead: true },
  { name: 'pause', words: ['pause'], description: 'Start no agent until the run is resumed; agents at work finish', instead: true },
  { name: 'resume', words: ['resume'], description: 'Let a paused run start agents again', instead: true },
  { name: 'stop', words: ['stop'], description: 'Ask the run to end at its next step; agents at work finish', instead: true },
]

/** `turn` is the loop that obeys; an earlier one ends, and does nothing until all starts that were `asked` for are `started`. */
const run = {
  key: '', turn: 0, asked: 0, started: 0, isOver: false, // the key proves whose the run is, and says how much of it was shown
  agents: /** @type {Map<string, Directive>} */ (new Map()), // that are to be started, or were
  band: /** @type {Band | undefined} */ (undefined),
}

/** How a verb of the helper is run: without a shell, in the root, which no `cd` moves. @param {Engine} $ @param {string[]} words */
async function call($, words) {
  return { argv: [`${$.plugin.root}/bin/claudestrator-helper`, ...words], cwd: await $.session.root(), env: { CLAUDE_CODE_SESSION_ID: await $.session.id() } }
}

/** What a verb printed, or why it could not be run. @param {Engine} $ @param {string[]} words @param {string} stdin */
async function helper($, words, stdin) {
  const { argv, ...where } = await call($, words)
  const ran = $.process.run(argv, { ...where, stdin, timeoutMs: 600_000 }) // the most that Claude Code allows
  const { stdout, stderr } = await ran.catch(error => ({ stdout: '', stderr: `claudestrator-helper can't be run: ${error}` }))
  return (stdout || stderr.replace(/^claudestrator-helper: /, '')).trim()
}

/** What proves whose the run is, and the agents that need not be asked for again. */
const known = () => ({ key: run.key, told: [...run.agents.values()].flatMap(({ isAsked, id, attempt, agent }) => (isAsked ? [{ id, attempt, agent }] : [])) })

/** Asks the helper as the module that has the run. @param {Engine} $ @param {string} verb @param {object} question @returns {Promise<Reply>} */
async function ask($, verb, question) {
  const said = await helper($, [verb, '--session', await $.session.id(), '--mod'], JSON.stringify({ ...question, ...known() }))
  try { return JSON.parse(said) } catch { return broken(said) }
}

/** Ends the run here; its key is kept for a module that is loaded anew. @param {string} said @returns {Reply} */
function broken(said) {
  const why = said.replace(/^STOP /, '').trim().split('\n').pop() || 'claudestrator-helper was ended'
  const sentence = `${why}: \`/orchestrate\` continues once that is fixed`
  return { lines: [], directives: [{ kind: 'STOP', id: '', model: '', attempt: 0, prompt: '', sentence, exitCode: 1 }], isBroken: true }
}

/**
 * The first answer, and then one for each step, by one process that takes them all, because to start one takes longer than a
 * step. A helper that is killed, or hangs, is called again.
 * @param {Engine} $ @param {Reply} first @param {number} turn @returns {AsyncGenerator<Reply, void>}
 */
async function* answers($, first, turn) {
  yield { ...first, lines: [] }
  let [why, began] = ['', 0]
  for (let left = 3; left; left = Date.now() - began > 5000 ? 3 : left - 1) {
    if (left < 3) await $.clock.sleep(1000)
    if (await isLate($, turn)) return
    began = Date.now()
    const called = await call($, ['wait', '--follow', '--session', await $.session.id(), '--mod'])
    const process = $.process.spawn({ ...called, input: JSON.stringify(known()) })
    try {
      for (let said = '', next; (next = await Promise.race([process.next(), $.clock.sleep(HUNG)])) && !next.done; ) {
        next.value.stream === 'stderr' ? (why = next.value.text) : (said += next.value.text)
        const lines = said.split('\n')
        said = lines.pop() ?? ''
        for (const line of lines) yield JSON.parse(line)
      }
    } catch (error) {
      why = String(error)
    } finally {
      void process.return({ code: null, signal: null }).catch(() => {}) // which ends it
    }
  }
  yield broken(why)
}

/** Asks for a start, after any earlier one: each gives the run another key. @param {Engine} $ @param {object} question */
async function start($, question, before = run.asked++) {
  try { // Claude Code skips a hook that waits for 10 seconds, unless for a program that the hook itself has started
    while (run.started < before) await $.process.run(['sleep', '0.1'])
    run.key ||= String((await $.store.get(await $.session.root())) ?? '') // of a module loaded anew
    return await ask($, 'start', question)
  } finally { run.started++ }
}

/**
 * Starts the agent of a directive. The helper is told of a refusal; but after Esc, Claude Code refuses every agent until
 * the person has typed something, and that is waited for, unless another agent is to come or the run is to end.
 * @param {Engine} $ @param {Directive} directive
 */
async function spawn($, directive) {
  const { id, model, attempt, prompt } = directive
  run.agents.set(id, directive)
  for (let seconds = 1; (await isLate($, 0)) && !run.isOver && run.agents.get(id) === directive; seconds++) {
    directive.isAsked = true
    const spawned = $.agent.spawn({ prompt, description: id, subagentType: 'general-purpose', model })
    const why = await spawned.then(({ deny, agentId }) => ((directive.agent = agentId), deny), String)
    directive.isAsked = !(directive.isHeld = !!why?.startsWith(HELD))
    if (!directive.isHeld || run.band?.status === 'stopping') return why && ended($, { description: id, refused: [{ id, attempt, why }] })
    if (seconds % 300 === 30) void ask($, 'ended', { held: id }) // whose time is not to pass
    if (seconds === 30 && [...run.agents.values()].find(each => each.isHeld) === directive) void $.ui.notify(HELD_WHY, { title: 'Claudestrator' })
    await $.clock.sleep(1000)
  }
}

/** @param {Engine} $ @param {number} turn */
async function isLate($, turn) {
  while (run.started < run.asked) await $.clock.sleep(100)
  return turn !== run.turn
}

const stopOf = (/** @type {Reply} */ reply) => reply.directives.find(each => each.kind === 'STOP')

/** Obeys directives until STOP, and returns that; nothing when a later loop has taken over. @param {Engine} $ @param {Reply} reply */
async function obey($, reply) {
  const turn = ++run.turn
  for (const [id, { isAsked }] of run.agents) if (!isAsked || reply.band?.running.every(each => each.id !== id)) run.agents.delete(id)
  ;[run.key, run.isOver] = [reply.key || run.key, false]
  for await (const answer of answers($, reply, turn)) {
    if (await isLate($, turn)) return
    run.key = answer.key || run.key
    for (const line of answer.lines) $.ui.log(line)
    // For this module when it is loaded anew while its agents are at work; `/clear` gives a session another id.
    if (answer.key) await $.store.set(await $.session.root(), run.key)
    const stop = stopOf(answer)
    ;[run.band, run.isOver] = [stop ? undefined : answer.band, !!stop]
    $.ui.invalidate('ui.render')
    for (const each of answer.directives) if (each.kind === 'SPAWN') void spawn($, each)
    if (stop) return answer.band && run.agents.clear(), stop // without a band, a step has failed, and they are at work
  }
}

/** Tells of an agent's end, a second later, unless the run has gone on. @param {Engine} $ @param {{ description: string, refused?: object[] }} end */
async function ended($, end, left = 300) {
  await $.clock.sleep(1000)
  const isAtWork = run.band ? run.band.running.some(each => each.id === end.description) : left && run.agents.has(end.description)
  if (isAtWork && (await ask($, 'ended', end)).isBroken) await ended($, end, run.band ? left : left - 1)
}

/** Obeys in the background, and tells the person how it ended. @param {Engine} $ @param {Reply} reply */
async function obeyAside($, reply) {
  const tick = $.clock.every(1000, () => $.ui.invalidate('ui.render'))
  const stop = await obey($, reply)
  tick.cancel()
  if (stop) $.ui.log(stop.sentence)
  if (stop) await $.ui.notify(stop.sentence, { title: 'Claudestrator' })
}

/**
 * The lines of the band. @param {Band} band @param {number} now @param {number} columns @param {number} rows
 * @returns {{ text: string, color?: string, dimColor?: boolean, wrap?: 'wrap' }[]}
 */
function drawn(band, now, columns, rows) {
  const [isWide, width] = columns >= 80 ? [true, 30] : [false, 12]
  const filled = band.total ? Math.round((width * (band.done + band.failed)) / band.total) : 0
  const counts = [`${band.done} of ${band.total} done`, band.failed && `${band.failed} failed`, band.loop && `loop ${band.loop} of ${band.loops}`]
  const head = [...counts, band.status].filter(Boolean).join(', ')
  const shown = band.running.slice(0, Math.max(1, rows - 3))
  const lines = shown.map(({ id, what, model, attempt, since }) => {
    const [sign, how] = run.agents.get(id)?.isHeld ? ['○', 'held'] : ['●', elapsed(Math.max(0, Math.round(now - since)))]
    return { text: `${sign} ${id}  ${model}${attempt > 1 ? `${isWide ? ', attempt ' : ' ×'}${attempt}` : ''}  ${how}  ${what}` }
  })
  if (band.running.length > shown.length) lines.push({ text: `● and ${band.running.length - shown.length} more` })
  const next = band.next ? [{ text: `○ next: ${band.next.id}  ${band.next.what}`, dimColor: true }] : []
  const why = [...run.agents.values()].some(each => each.isHeld) ? [{ text: HELD_WHY, wrap: /** @type {const} */ ('wrap') }] : []
  return [{ text: `${'█'.repeat(filled)}${'░'.repeat(width - filled)}  ${head}`, color: band.failed ? 'warning' : 'success' }, ...lines, ...next, ...why]
}

/** @param {number} seconds */
function elapsed(seconds) {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60]
  return hours ? `${hours} h ${minutes} min` : minutes ? `${minutes} min ${seconds % 60} s` : `${seconds} s`
}

/** Goes on with the session's run after it was resumed, or this module loaded anew. @param {Engine} $ */
async function resume($) {
  const reply = await start($, { resume: true })
  if (reply.engine !== undefined || (reply.isBroken && !run.key)) return
  for (const line of [stopOf(reply) ? '' : reply.opening, ...reply.lines]) if (line) $.ui.log(line)
  await obeyAside($, reply)
}

/** @param {import('claude-code').On} on */
export function register(on) {
  on('session.start', async ($, e, next) => {
    for (const { name, ...told } of COMMANDS) await $.command.register({ ...told, name: `claudestrator-${name}`, immediate: true })
    if (e.isInteractive) void resume($)
    return next(e)
  })

  on('command.run', { command: 'claudestrator:orchestrate' }, async ($, e, next) => {
    const reply = await start($, { words: e.args })
    if (reply.engine !== undefined) return next(e)
    const isAside = reply.key && !stopOf(reply) && (e.origin.kind === 'composer' || e.origin.kind === 'bridge')
    if (isAside) void obeyAside($, reply)
    // What has begun nothing, such as a refusal, leaves a run that is at work to its loop.
    const stop = isAside ? undefined : reply.key ? await obey($, reply) : stopOf(reply)
    const text = [...reply.lines, isAside ? reply.opening : stop?.sentence].filter(Boolean).join('\n')
    return { text, isTextDisplayOnly: true, ...(stop?.exitCode && { exitCode: stop.exitCode }) }
  })
  on('command.run', async ($, e, next) => {
    const command = COMMANDS.find(({ name, instead }) => e.command === `claudestrator-${name}` || (instead && e.command === `claudestrator:${name}`))
    return command ? { text: await helper($, command.words, e.args), isTextDisplayOnly: true } : next(e)
  })

  // A pattern, because a release without agent.report (2.1.323, say) refuses a module that names it.
  on('agent.*', async ($, e, next) => {
    const told = next.event === 'agent.spawn' && 'prompt' in e ? run.agents.get(e.description) : undefined
    // Named to $.agent.spawn, the folder has no effect: measured on 2.1.332.
    if (told?.cwd && 'prompt' in e && told.prompt === e.prompt) return next({ ...e, cwd: told.cwd })
    if (next.event !== 'agent.report' || !('status' in e)) return next(e)
    const agent = (await $.agent.list()).find(each => each.id === e.agentId)
    if (!agent || !/^(\/claudestrator:\S+ )?\S+$/.test(agent.description)) return next(e)
    const end = { agent: e.agentId, status: e.status, text: e.text, description: agent.description }
    if (agent.spawnedBy === $.plugin.name) void ended($, end)
    else if (!(await ask($, 'ended', end)).isSettled) return next(e)
    return { consumed: 'Claudestrator has taken the report' }
  })

  on('ui.render', { component: 'AbovePrompt' }, async ($, e, next) => {
    if (!run.band || e.props.hasSurvey) return next(e)
    const { Box, Text } = $.ui.resolve(e)
    const lines = drawn(run.band, (await $.clock.now()) / 1000, e.props.bodyColumns, e.props.maxRows)
    return Box({ flexDirection: 'column', children: lines.map(({ text, ...style }) => Text({ wrap: 'truncate', ...style, children: [text] })) })
  })
}
