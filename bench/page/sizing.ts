import type { Results } from '../results.ts'
import { medianOf } from './table.ts'

/** A system by its size, and what is assumed of its users. */
const SYSTEMS = [
  { name: '10,000', tabs: 10_000 },
  { name: '1 million', tabs: 1_000_000 },
  { name: '100 million', tabs: 100_000_000 },
]
/** Notifications that a user gets in a day, how many of them are kept, and how much the busiest second exceeds the mean. */
const DAILY = 20
const KEPT = 50
const PEAK = 10
/** How much of a core, and of a Redis's memory, is planned with. */
const FILLED = 0.5
/** Connections of one process: what a restart of it throws at the others. */
const PER_WORKER = 25_000
/** Memory of one Redis master, in GiB: above it, copying it for a replica takes minutes. */
const REDIS_GIB = 16
const GIB = 2 ** 30

/** The table that says how much of what a system wants, from the figures. */
export function sizingTable(results: Results): string {
  const connection = medianOf(results, 'memory', 'redis: per connection') * 1024
  const cpu = (role: string): number =>
    medianOf(results, 'notify', `redis, 1 tab: CPU per notification, ${role}`)
  const perUser =
    medianOf(results, 'storage', "redis: a user's first notification, memory of Redis") +
    (KEPT - 1) * medianOf(results, 'storage', 'redis: each further notification, memory of Redis')
  const connects = medianOf(results, 'connects', 'redis: connects')
  const number = (value: number): string => Math.ceil(value).toLocaleString('en')
  const rows: [string, (tabs: number) => string][] = [
    ['notifications in the busiest second', (tabs) => number(peakOf(tabs))],
    [`workers of ${PER_WORKER.toLocaleString('en')} connections`, (tabs) => number(tabs / PER_WORKER)],
    ['their memory for connections', (tabs) => `${number((tabs * connection) / GIB)} GiB`],
    ['their cores for notifications', (tabs) => cores(peakOf(tabs), cpu('worker'))],
    ['cores of the apis', (tabs) => cores(peakOf(tabs), cpu('api'))],
    ['cores of Redis', (tabs) => cores(peakOf(tabs), cpu('redis'))],
    ['memory of Redis', (tabs) => `${number((tabs * perUser) / GIB)} GiB`],
    [
      `Redis masters of ${REDIS_GIB} GiB, half full`,
      (tabs) => number((tabs * perUser) / GIB / (REDIS_GIB * FILLED)),
    ],
    [
      'until all are back after a cut, a core per worker',
      (tabs) => `${number(tabs / (Math.ceil(tabs / PER_WORKER) * connects * FILLED))} s`,
    ],
  ]
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [
    line(['tabs', ...SYSTEMS.map(({ name }) => name)]),
    line(['---', ...SYSTEMS.map(() => '---')]),
    ...rows.map(([what, value]) => line([what, ...SYSTEMS.map(({ tabs }) => value(tabs))])),
    '',
    `Assumed: a tab and ${DAILY} notifications a day for each user, ${KEPT} of them kept, ${PEAK} times the mean in the busiest second, cores half`,
    `used. Measured: ${(connection / 1024).toFixed(1)} KiB per connection, ${Math.round(perUser).toLocaleString('en')} bytes of Redis per user, ${cpu('redis').toFixed(0)} + ${cpu('api').toFixed(0)} + ${cpu('worker').toFixed(0)} µs of Redis, api and worker per`,
    `notification, ${number(connects)} connects a second and process.`,
  ].join('\n')
}

const peakOf = (tabs: number): number => (tabs * DAILY * PEAK) / 86_400

function cores(perSecond: number, microseconds: number): string {
  return ((perSecond * microseconds) / 1e6 / FILLED).toLocaleString('en', { maximumFractionDigits: 1 })
}
