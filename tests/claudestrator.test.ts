// The module on its own, with a helper that answers what each test says: `claude plugin test DIR`.
import { expect, mock, test } from 'claude-code/testing'

const WORDS = "3 `touch x` $(touch y) '"
const spawn = { kind: 'SPAWN', id: 'TASK-001', model: 'sonnet', attempt: 1, prompt: 'Build a door.' }
const stop = { kind: 'STOP', sentence: 'The one task is completed.' }
const band = {
  done: 1, failed: 1, total: 4, loop: 0, loops: 0, status: '',
  running: [{ id: 'TASK-002', what: 'A door that shuts by itself and can be locked', model: 'opus', attempt: 2, since: 0 }],
  next: { id: 'TASK-003', what: 'A window' },
}

/**
 * The calls of the helper: each verb, and what it was told. A `wait` answers until STOP, in pieces that are no lines.
 * Without an answer it was killed.
 */
function helper(on, answers) {
  const calls = []
  on('process.run', async ($, e) => {
    if (e.argv[0] === 'sleep') return { value: { exitCode: 0, stdout: '', stderr: '', isStdoutTruncated: false, isStderrTruncated: false } }
    calls.push({ argv: e.argv.slice(1), ...JSON.parse(e.init?.stdin ?? '{}') })
    const stdout = JSON.stringify(await answers.shift()) ?? ''
    return { value: { exitCode: 0, stdout, stderr: '', isStdoutTruncated: false, isStderrTruncated: false } }
  })
  on('process.spawn', async function* ($, e) {
    calls.push({ argv: e.argv.slice(1), ...JSON.parse(e.input) })
    for (let answer = await answers.shift(); answer; answer = await answers.shift()) {
      const line = `${JSON.stringify(answer)}\n`
      yield { stream: 'stdout', text: line.slice(0, 9) }
      yield { stream: 'stdout', text: line.slice(9) }
      if (answer.directives.some(each => each.kind === 'STOP')) break
    }
    return { value: { code: 0, signal: null } }
  })
  on('session.id', () => ({ value: 's1' }))
  on('session.root', () => ({ value: '/project' }))
  mock.store(on)
  return calls
}

/** No one waits, but for ten minutes. */
function sleepless(on) {
  on('clock.sleep', ($, e) => (e.ms < 600_000 ? { value: undefined } : new Promise(() => {})))
}

test('a directive becomes an agent, words stay words, and STOP is the answer', async ($, on) => {
  sleepless(on)
  const calls = helper(on, [
    { lines: ['note: x'], directives: [spawn], band, key: 'k' },
    { lines: ['done TASK-001 (1/1)'], directives: [stop], band },
  ])
  const spawned = []
  on('agent.spawn', ($, e) => { spawned.push(e); return { model: 'sonnet', agentId: 'a1' } })
  const answer = await $.command.run({ command: 'claudestrator:orchestrate', args: WORDS, origin: { kind: 'sdk' } })
  expect(calls.map(each => each.argv[0])).toEqual(['start', 'wait'])
  expect(calls[0].words).toBe(WORDS)
  expect(calls[1].key).toBe('k')
  expect(spawned.map(each => [each.description, each.model, each.prompt])).toEqual([['TASK-001', 'sonnet', 'Build a door.']])
  expect(answer.text).toBe('note: x\nThe one task is completed.')
})

test('an agent begins in the folder that its directive names', async ($, on) => {
  sleepless(on)
  const apart = { ...spawn, id: 'TASK-002', prompt: 'Build a wall.', cwd: '/project/.claude/worktrees/TASK-002' }
  helper(on, [{ lines: [], directives: [spawn, apart], band, key: 'k' }, { lines: [], directives: [stop] }])
  const spawned = []
  on('agent.spawn', ($, e) => { spawned.push([e.description, e.cwd]); return { model: 'sonnet', agentId: 'a1' } })
  await $.command.run({ command: 'claudestrator:orchestrate', args: '', origin: { kind: 'sdk' } })
  expect(spawned).toEqual([['TASK-001', undefined], ['TASK-002', apart.cwd]])
})

test('one process takes all steps, and no agent waits for another to be started', async ($, on) => {
  sleepless(on)
  const spawn4 = from => [0, 1, 2, 3].map(n => ({ ...spawn, id: `TASK-${from + n}` }))
  const calls = helper(on, [
    { lines: [], directives: spawn4(1), band, key: 'k' },
    { lines: ['done TASK-1 (1/8)'], directives: spawn4(5).slice(0, 1), band },
    { lines: ['done TASK-2 (4/8)'], directives: spawn4(5).slice(1), band },
    { lines: [], directives: [stop], band },
  ])
  const spawned = []
  on('agent.spawn', async ($, e) => {
    spawned.push(e.description)
    // It is not started before the run has ended.
    if (e.description === 'TASK-5') await new Promise(() => {})
    return { model: 'sonnet', agentId: e.description }
  })
  await $.command.run({ command: 'claudestrator:orchestrate', args: '--parallel 4', origin: { kind: 'sdk' } })
  expect(calls.map(each => each.argv.slice(0, 2))).toEqual([['start', '--session'], ['wait', '--follow']])
  expect(spawned).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map(n => `TASK-${n}`))
})

test('a refusal of an agent is told to the helper, which goes on', async ($, on) => {
  let end
  const ended = new Promise(resolve => { end = resolve })
  const running = [{ id: 'TASK-001', what: 'A door', model: 'sonnet', attempt: 1, since: 0 }]
  const calls = helper(on, [{ lines: [], directives: [spawn], band: { ...band, running }, key: 'k' }, ended, {}])
  sleepless(on)
  on('agent.spawn', () => ({ deny: 'no place' }))
  const run = $.command.run({ command: 'claudestrator:orchestrate', args: '', origin: { kind: 'sdk' } })
  while (calls.length < 3) await new Promise(resolve => setTimeout(resolve, 1))
  end({ lines: [], directives: [stop] })
  await run
  expect(calls.map(each => each.argv[0]).sort()).toEqual(['ended', 'start', 'wait'])
  expect(calls.find(each => each.argv[0] === 'ended').refused).toEqual([{ id: 'TASK-001', attempt: 1, why: 'no place' }])
})

for (const id of ['TASK-002', 'TASK-009']) {
  test(`the end of ${id} is told only while it is drawn as at work`, async ($, on) => {
    let end
    const ended = new Promise(resolve => { end = resolve })
    const calls = helper(on, [{ lines: [], directives: [{ kind: 'WAIT' }], band, key: 'k' }, ended, {}])
    sleepless(on)
    on('agent.list', () => ({ value: [{ id: 'a1', description: id, spawnedBy: 'claudestrator', type: 'x', status: 'running', kind: 'local_agent' }] }))
    on('agent.report', () => ({ value: {} }))
    const run = $.command.run({ command: 'claudestrator:orchestrate', args: '', origin: { kind: 'sdk' } })
    while (calls.length < 2) await new Promise(resolve => setTimeout(resolve, 1))
    await $.agent.report({ agentId: 'a1', status: 'completed', text: 'REPORT' })
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(calls.slice(2).map(each => [each.argv[0], each.agent, each.text])).toEqual(id === 'TASK-002' ? [['ended', 'a1', 'REPORT']] : [])
    end({ lines: [], directives: [stop] })
    await run
  })
}

for (const [columns, model] of [[155, 'opus, attempt 2'], [39, 'opus ×2']] as const) {
  test(`the band says what is done, what runs and what comes next in ${columns} columns`, async ($, on) => {
    let end
    const ended = new Promise(resolve => { end = resolve })
    helper(on, [{ lines: [], directives: [{ kind: 'WAIT' }], band, key: 'k' }, ended])
    mock.clock(on, { now: 65_000 })
    const run = $.command.run({ command: 'claudestrator:orchestrate', args: '--parallel 2', origin: { kind: 'sdk' } })
    const props = {
      hasSurvey: false, isCollapsed: false, isWorking: false, maxRows: 20, bodyColumns: columns, view: {},
      scroll: { top: 0, bodyRows: 20, treeRows: 3 },
    }
    const ui = await $.ui.mount({ plugin: 'claudestrator', surface: 'terminal', component: 'AbovePrompt', props })
    const lines = (await ui.findAll({ type: 'Text' })).map(each => each.text)
    expect(lines).toEqual([
      `${columns > 80 ? '███████████████░░░░░░░░░░░░░░░' : '██████░░░░░░'}  1 of 4 done, 1 failed`,
      `● TASK-002  ${model}  1 min 5 s  A door that shuts by itself and can be locked`,
      '○ next: TASK-003  A window',
    ])
    end({ lines: [], directives: [stop] })
    await run
  })
}

test('an agent that Claude Code does not start after Esc is shown as held, and why', async ($, on) => {
  let end
  const ended = new Promise(resolve => { end = resolve })
  const held = { ...spawn, id: 'TASK-002', attempt: 2 }
  helper(on, [{ lines: [], directives: [held], band, key: 'k' }, ended])
  const clock = mock.clock(on, { now: 65_000 })
  let asked = 0
  on('agent.spawn', () => (++asked === 1 ? { deny: 'the session was stopped by the person' } : { model: 'opus', agentId: 'a1' }))
  const run = $.command.run({ command: 'claudestrator:orchestrate', args: '', origin: { kind: 'sdk' } })
  while (!asked) await new Promise(resolve => setTimeout(resolve, 1))
  const props = {
    hasSurvey: false, isCollapsed: false, isWorking: false, maxRows: 20, bodyColumns: 39, view: {},
    scroll: { top: 0, bodyRows: 20, treeRows: 3 },
  }
  const shown = async () => {
    const ui = await $.ui.mount({ plugin: 'claudestrator', surface: 'terminal', component: 'AbovePrompt', props })
    return (await ui.findAll({ type: 'Text' })).map(each => [each.text, each.props?.wrap])
  }
  const lines = await shown()
  expect(lines[1]).toEqual(['○ TASK-002  opus ×2  held  A door that shuts by itself and can be locked', 'truncate'])
  expect(lines.at(-1)).toEqual(['After Esc, Claude Code starts no agent until you have typed something; then the run goes on.', 'wrap'])
  await clock.advance(1000)
  while (asked < 2) await new Promise(resolve => setTimeout(resolve, 1))
  expect((await shown()).length).toBe(3)
  end({ lines: [], directives: [stop] })
  await run
})

test('what begins no run leaves the run that is at work to its loop', async ($, on) => {
  sleepless(on)
  let end
  const ended = new Promise(resolve => { end = resolve })
  const calls = helper(on, [
    { lines: [], directives: [{ kind: 'WAIT' }], band, key: 'k' },
    ended,
    { lines: ['1 of 4 tasks completed'], directives: [] },
    { lines: [], directives: [{ kind: 'STOP', sentence: 'there is no --paralel', exitCode: 1 }] },
  ])
  const orchestrate = args => $.command.run({ command: 'claudestrator:orchestrate', args, origin: { kind: 'sdk' } })
  const run = orchestrate('')
  while (calls.length < 2) await new Promise(resolve => setTimeout(resolve, 1))
  expect((await orchestrate('status')).text).toBe('1 of 4 tasks completed')
  const refused = await orchestrate('--paralel 4')
  expect([refused.text, refused.exitCode]).toEqual(['there is no --paralel', 1])
  end({ lines: [], directives: [stop] })
  const answer = await run
  expect([answer.text, answer.exitCode]).toEqual([stop.sentence, undefined])
  expect(calls.map(each => each.argv[0])).toEqual(['start', 'wait', 'start', 'start'])
})

test('a helper that is ended in the middle is asked again, and is never missed in silence', async ($, on) => {
  const calls = helper(on, [
    { lines: [], directives: [{ kind: 'WAIT' }], key: 'k' },
    { lines: ['done TASK-001 (1/4)'], directives: [{ kind: 'WAIT' }], key: 'k run 1' }, undefined,
    { lines: [], directives: [stop] },
  ])
  sleepless(on)
  const orchestrate = () => $.command.run({ command: 'claudestrator:orchestrate', args: '', origin: { kind: 'sdk' } })
  expect((await orchestrate()).text).toBe(stop.sentence)
  expect(calls.map(each => [each.argv[0], each.key])).toEqual([['start', ''], ['wait', 'k'], ['wait', 'k run 1']])
  const answer = await orchestrate()
  expect([answer.text, answer.exitCode]).toEqual(['claudestrator-helper was ended: `/orchestrate` continues once that is fixed', 1])
})

for (const how of ['is killed', 'hangs']) {
  test(`a helper that ${how} before it has named all agents is told of those that it has`, async ($, on) => {
    const calls = helper(on, [
      { lines: [], directives: [spawn], band, key: 'k' },
      how === 'hangs' ? new Promise(() => {}) : undefined,
      { lines: [], directives: [stop] },
    ])
    let patience = 0
    on('clock.sleep', ($, e) => (e.ms < 600_000 || (how === 'hangs' && !patience++) ? { value: undefined } : new Promise(() => {})))
    on('agent.spawn', () => ({ model: 'sonnet', agentId: 'a1' }))
    const answer = await $.command.run({ command: 'claudestrator:orchestrate', args: '', origin: { kind: 'sdk' } })
    expect(calls.map(each => [each.argv[0], each.told])).toEqual([
      ['start', []], ['wait', [{ id: 'TASK-001', attempt: 1 }]], ['wait', [{ id: 'TASK-001', attempt: 1 }]],
    ])
    expect(answer.text).toBe(stop.sentence)
  })
}

test('an agent that is on its way when the run is typed again is named, and comes once', async ($, on) => {
  sleepless(on)
  const [ended, started] = [1, 2].map(() => Promise.withResolvers())
  const calls = helper(on, [
    { lines: [], directives: [spawn], band, key: 'k' }, ended.promise,
    { lines: [], directives: [{ kind: 'WAIT' }], band, key: 'l' }, { lines: [], directives: [stop] },
  ])
  let spawned = 0
  on('agent.spawn', async () => { spawned++; await started.promise; return { model: 'sonnet', agentId: 'a1' } })
  const orchestrate = () => $.command.run({ command: 'claudestrator:orchestrate', args: '', origin: { kind: 'sdk' } })
  const first = orchestrate()
  while (calls.length < 2 || !spawned) await new Promise(resolve => setTimeout(resolve, 1))
  const second = orchestrate()
  while (calls.length < 3) await new Promise(resolve => setTimeout(resolve, 1))
  expect((await second).text).toBe(stop.sentence)
  ended.resolve({ lines: [], directives: [{ kind: 'WAIT' }], band })
  started.resolve(undefined)
  await first
  expect([calls[2].argv[0], calls[2].told, spawned]).toEqual(['start', [{ id: 'TASK-001', attempt: 1 }], 1])
})

test('after half a minute of Esc the person is told, and a run that is lost meanwhile starts no agent', async ($, on) => {
  sleepless(on)
  const lost = Promise.withResolvers()
  const calls = helper(on, [{ lines: [], directives: [spawn], band, key: 'k' }, lost.promise, {}])
  let [asked, told] = [0, [] as string[]]
  on('agent.spawn', () => {
    // One is asked for each second.
    if (++asked === 32) lost.resolve({ lines: [], directives: [{ kind: 'STOP', sentence: 'this run has been taken over', exitCode: 1 }] })
    return { deny: 'the session was stopped by the person' }
  })
  on('ui.notify', ($, e) => { told.push(JSON.stringify(e)); return { value: undefined } })
  await $.command.run({ command: 'claudestrator:orchestrate', args: '', origin: { kind: 'sdk' } })
  expect([told.length, told[0]?.includes('After Esc')]).toEqual([1, true])
  expect(calls.filter(each => each.held).map(each => each.held)).toEqual(['TASK-001'])
  const before = asked
  await new Promise(resolve => setTimeout(resolve, 50))
  expect(asked - before).toBeLessThan(2)
})

test('an agent that is held after Esc holds up no run that is asked to stop', async ($, on) => {
  sleepless(on)
  const running = [{ ...band.running[0], id: 'TASK-001' }]
  const [stopping, ended] = [1, 2].map(() => Promise.withResolvers())
  const calls = helper(on, [
    { lines: [], directives: [spawn], band: { ...band, running }, key: 'k' }, stopping.promise, ended.promise, {},
  ])
  let asked = 0
  on('agent.spawn', () => {
    if (++asked === 2) stopping.resolve({ lines: [], directives: [{ kind: 'WAIT' }], band: { ...band, running, status: 'stopping' } })
    return { deny: 'the session was stopped by the person' }
  })
  const run = $.command.run({ command: 'claudestrator:orchestrate', args: '', origin: { kind: 'sdk' } })
  while (!calls.some(each => each.refused)) await new Promise(resolve => setTimeout(resolve, 1))
  ended.resolve({ lines: [], directives: [stop] })
  await run
  expect(calls.find(each => each.refused).refused).toEqual([{ id: 'TASK-001', attempt: 1, why: 'the session was stopped by the person' }])
})

test('a run that failed names its agents when it is typed again, and tells of one that has ended meanwhile', async ($, on) => {
  sleepless(on)
  const full = { lines: [], directives: [{ kind: 'STOP', sentence: 'cannot write', exitCode: 1 }] }
  const running = [{ ...band.running[0], id: 'TASK-001' }]
  const calls = helper(on, [
    { lines: [], directives: [spawn], band, key: 'k' }, full, {},
    { lines: [], directives: [{ kind: 'WAIT' }], band: { ...band, running }, key: 'l' }, { lines: [], directives: [stop], band, key: 'l' },
    { lines: [], directives: [stop], band, key: 'm' },
  ])
  on('agent.spawn', () => ({ model: 'sonnet', agentId: 'a1' }))
  on('agent.list', () => ({ value: [{ id: 'a1', description: 'TASK-001', spawnedBy: 'claudestrator', type: 'x', status: 'running', kind: 'local_agent' }] }))
  on('agent.report', () => ({ value: {} }))
  const orchestrate = () => $.command.run({ command: 'claudestrator:orchestrate', args: '', origin: { kind: 'sdk' } })
  expect((await orchestrate()).text).toBe('cannot write')
  await $.agent.report({ agentId: 'a1', status: 'completed', text: 'REPORT' })
  while (calls.length < 3) await new Promise(resolve => setTimeout(resolve, 1))
  await orchestrate()
  await orchestrate()
  const told = [{ id: 'TASK-001', attempt: 1 }] // the agent's own id is not passed on in tests
  expect(calls.slice(2).map(each => [each.argv[0], each.told])).toEqual([['ended', told], ['start', told], ['wait', told], ['start', []]])
})
