/** A row of the table: what is Tabcast's own figure, and what it is compared with. Labels are those of the part. */
export interface Row {
  what: string
  part: string
  own: string
  /** Left out where nothing else is measured beside it. */
  peer?: { name: string; label: string }
  ratio?: string
}

const CPU = 'CPU per notification, all processes'
const FIRST = "a user's first notification, memory of Redis"
const FURTHER = 'each further notification, memory of Redis'
const AOF = 'each further notification, AOF'

/** One figure of two contestants, and the ratio of the two. */
function compared(
  what: string,
  part: string,
  [own, peer]: [string, string],
  label: string,
  ratio: string,
): Row {
  const name = peer.replace(/, \d tabs?$/, '').replace(/ at \d+\/s$/, '')
  return { what, part, own: `${own}: ${label}`, peer: { name, label: `${peer}: ${label}` }, ratio }
}

function latencyRow(rate: number, own: string, peer: string): Row {
  return compared(
    `p99 at ${rate.toLocaleString('en')} a second, ${own}`,
    'latency',
    [`${own} at ${rate}/s`, `${peer} at ${rate}/s`],
    'p99',
    `${own} ÷ ${peer}, p99 at ${rate}/s`,
  )
}

function cpuRow(what: string, own: string, peer: string): Row {
  return compared(what, 'notify', [own, peer], CPU, `${own} ÷ ${peer}, CPU per notification`)
}

function rateRow(what: string, own: string, peer: string): Row {
  return compared(what, 'notify', [own, peer], 'notifications', `${own} ÷ ${peer}, notifications a second`)
}

const alone = (what: string, part: string, own: string, ratio?: string): Row =>
  ratio === undefined ? { what, part, own } : { what, part, own, ratio }

/** The table of the page, from top to bottom. */
export const ROWS: readonly Row[] = [
  cpuRow('CPU per notification, Redis, 1 tab', 'redis, 1 tab', 'tutorial, 1 tab'),
  cpuRow('the same', 'redis, 1 tab', 'nchan, 1 tab'),
  cpuRow('the same', 'redis, 1 tab', 'centrifugo, 1 tab'),
  cpuRow('CPU per notification, embedded, 1 tab', 'embedded, 1 tab', 'stock, 1 tab'),
  rateRow('notifications a second, Redis, 1 tab', 'redis, 1 tab', 'tutorial, 1 tab'),
  rateRow('the same, 3 tabs', 'redis, 3 tabs', 'tutorial, 3 tabs'),
  rateRow('notifications a second, embedded, 1 tab', 'embedded, 1 tab', 'stock, 1 tab'),
  rateRow('the same, 3 tabs', 'embedded, 3 tabs', 'stock, 3 tabs'),
  ...[500, 2000, 4000].flatMap((rate) => [
    latencyRow(rate, 'redis', 'tutorial'),
    latencyRow(rate, 'embedded', 'tutorial'),
  ]),
  ...(['redis', 'embedded'] as const).map((own) => {
    const peer = own === 'redis' ? 'tutorial' : 'stock'
    const label = 'p99 in the 4 s after'
    const what = `p99 at 500 a second in the 4 s after 1,000 reconnects, ${own}`
    return compared(what, 'reconnects', [own, peer], label, `${own} ÷ ${peer}, ${label}`)
  }),
  ...['redis', 'embedded'].map((own) =>
    alone(
      `CPU of an acknowledgement, ${own}; ratio: notifications a second with ÷ without`,
      'ack',
      `${own}: CPU per acknowledgement, all processes`,
      `${own}: with acknowledgements ÷ without, notifications a second`,
    ),
  ),
  ...['redis', 'embedded'].map((own) =>
    compared(
      `one message to 5,000 tabs, ${own}`,
      'fan-out',
      [own, 'raw ws'],
      'deliveries',
      `${own} ÷ raw ws, deliveries a second`,
    ),
  ),
  ...['redis', 'embedded'].map((own) =>
    compared(
      `tabs that connect a second, ${own}`,
      'connects',
      [own, 'stock'],
      'connects',
      `${own} ÷ stock, connects a second`,
    ),
  ),
  ...['redis', 'embedded'].map((own): Row => {
    const ratio = `${own}, until all have caught up ÷ stock, until all have connected`
    const peer = { name: 'stock, which only connects', label: 'stock: until all have connected' }
    return {
      what: `5,000 tabs back, ${own}`,
      part: 'storm',
      own: `${own}: until all have caught up`,
      peer,
      ratio,
    }
  }),
  ...['redis', 'embedded'].map((own) =>
    compared(
      `memory of an idle connection, ${own}`,
      'memory',
      [own, 'stock'],
      'per connection',
      `${own} ÷ stock`,
    ),
  ),
  compared(
    'four workers, CPU per notification',
    'workers',
    ['redis', 'tutorial'],
    CPU,
    'redis ÷ classic adapter, CPU of the whole system',
  ),
  ...(
    [
      ["a user's first notification in Redis", FIRST],
      ['each further one', FURTHER],
      ['AOF per notification', AOF],
    ] as const
  ).map(([what, label]) =>
    compared(what, 'storage', ['redis', 'tutorial'], label, `redis ÷ tutorial, ${label}`),
  ),
  ...['64 at once', 'one by one at 2000/s', '64 at once into full inboxes of 50'].map((how) =>
    alone(
      `written by SQLite, ${how.replace('2000', '2,000')}; ratio: ÷ the body of the request`,
      'storage',
      `embedded: written per notification, ${how}`,
      `embedded, written ÷ body, ${how}`,
    ),
  ),
  ...['redis', 'embedded'].flatMap((own) => [
    alone(
      `CPU per notification with 100,000 users, ${own}; ratio: ÷ with 1,000`,
      'users',
      `${own}: CPU per notification, 100,000 users`,
      `${own}: 100,000 users ÷ 1,000, CPU per notification`,
    ),
    alone(
      `CPU of a user's first notification, ${own}; ratio: ÷ further ones`,
      'users',
      `${own}: CPU of a user's first notification`,
      `${own}: a user's first ÷ further ones, CPU per notification`,
    ),
  ]),
  ...['redis', 'embedded'].flatMap((own) =>
    ['one call after the other', '64 calls at once'].map((how) =>
      alone(
        `one call for 1,000 users, ${own}; ratio: 1,000 calls, ${how.replace('call ', '').replace('calls ', '')} ÷ one call`,
        'many',
        `${own}: one call`,
        `${own}: ${how} ÷ one call`,
      ),
    ),
  ),
]
