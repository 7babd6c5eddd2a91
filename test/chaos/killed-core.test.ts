import { expect, test } from 'vitest'
import { isLong } from '../support/long.ts'
import { killedCore } from './killed-core.ts'

const options = isLong
  ? { sockets: 500, workers: 4, kills: 5, rate: 200 }
  : { sockets: 60, workers: 2, kills: 1, rate: 60 }

test(
  'one of the processes on a port killed: nothing lost, nothing twice, and polling engine sessions begin anew by themselves',
  async () => {
    const figures = await killedCore(options)
    if (isLong) process.stdout.write(`${JSON.stringify(figures)}\n`)
    expect(figures).toMatchObject({ lost: 0, duplicated: 0, gaps: 0 })
    // A process had its share of both kinds.
    const share = options.sockets / 2 / options.workers
    expect(figures.moved.websocket).toBeGreaterThan(share / 2)
    expect(figures.moved.polling).toBeGreaterThan(share / 2)
  },
  isLong ? 600_000 : 60_000,
)
