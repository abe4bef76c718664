// Claude Code's side of a hooks module, for the chaos run: node mod_host.mjs MODULE ROOT SESSION STORE SPEED
// Events come as lines of JSON on standard input; what the module asks of the engine goes out as such lines. Whoever
// plays Claude Code (mod.py) answers them. Only clocks and the store are here.
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

const [module, root, session, path, speed] = process.argv.slice(2)
const { register } = await import(module)
const parent = process.ppid
process.stdout.on('error', () => process.exit())
setInterval(() => process.ppid === parent || process.exit(), 20)

const send = message => process.stdout.write(`${JSON.stringify(message)}\n`)
const asked = new Map()
const ask = (call, facts = {}) => new Promise(resolve => {
  asked.set(asked.size + 1, resolve)
  send({ call, number: asked.size, ...facts })
})
/** What comes for a call piece by piece, until null. */
async function* pieces(call, facts) {
  const number = asked.size + 1
  const come = []
  let wake = () => {}
  asked.set(number, piece => { come.push(piece); wake() })
  send({ call, number, ...facts })
  for (;;) {
    while (!come.length) await new Promise(resolve => { wake = resolve })
    const piece = come.shift()
    if (piece === null) return
    yield piece
  }
}
const scaled = milliseconds => milliseconds / Number(speed)

const stored = () => {
  try { return JSON.parse(readFileSync(path, 'utf8')) } catch { return {} }
}
const keep = values => {
  writeFileSync(`${path}.${process.pid}`, JSON.stringify(values))
  renameSync(`${path}.${process.pid}`, path)
}

/** What waits by a program, which Claude Code does not count as time of the hook. */
const slept = seconds => (send({ call: 'process.sleep' }), new Promise(resolve => setTimeout(resolve, 1000 * seconds)))

const $ = {
  plugin: { name: 'claudestrator', root: '' },
  session: { id: async () => session, root: async () => root },
  process: {
    run: (argv, given) => (argv[0] === 'sleep' ? slept(argv[1]) : ask('process.run', { words: argv.slice(1), stdin: given.stdin })),
    spawn: ({ argv, input }) => pieces('process.spawn', { words: argv.slice(1), stdin: input ?? '' }),
  },
  agent: { spawn: async agent => answer('agent.spawn', agent, e => ask('agent.spawn', { agent: e })), list: () => ask('agent.list') },
  store: {
    get: async key => stored()[key],
    set: async (key, value) => keep({ ...stored(), [key]: value }),
    delete: async key => keep({ ...stored(), [key]: undefined }),
  },
  clock: {
    sleep: milliseconds => new Promise(resolve => setTimeout(resolve, scaled(milliseconds))),
    every: () => ({ cancel() {} }),
    now: async () => Date.now(),
  },
  command: { register: async () => {} },
  ui: { invalidate() {}, log: text => send({ call: 'ui.log', text }), notify: async text => send({ call: 'ui.notify', text }) },
}

const handlers = []
register((event, ...rest) => handlers.push({ event, filter: rest.length > 1 ? rest[0] : {}, work: rest.at(-1) }))

/** The answer of the handlers of an event, each of which may pass it on; that of `last` if all do. */
function answer(event, e, last = () => null, from = 0) {
  const at = handlers.findIndex(({ event: name, filter }, index) => index >= from
    && (name === event || (name.endsWith('*') && event.startsWith(name.slice(0, -1))))
    && Object.entries(filter).every(([key, value]) => e[key] === value))
  const next = Object.assign(passed => answer(event, passed, last, at + 1), { event })
  return at < 0 ? last(e) : handlers[at].work($, e, next)
}

for await (const line of createInterface({ input: process.stdin })) {
  const { event, number, answered, value, ...e } = JSON.parse(line)
  if (answered) asked.get(answered)(value)
  else Promise.resolve(answer(event, e)).then(given => send({ call: 'ended', number, value: given ?? null }))
}
process.exit()
