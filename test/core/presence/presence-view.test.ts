import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Hub } from '../../../src/core/delivery/hub.ts'
import type { Engine } from '../../../src/core/engine/engine.ts'
import { roomChannel } from '../../../src/core/model/channel.ts'
import type { PresenceSnapshot } from '../../../src/core/presence/presence-view.ts'
import { report } from '../../support/engines.ts'
import { openLossyEngine } from '../../support/lossy-topics.ts'
import { Recorder } from '../../support/recorder.ts'

const RETENTION = { count: 50, seconds: 3600 }

describe('the list of a room after a cut', () => {
  let engine: Engine
  let lose: { next: number }
  let restore: () => void
  let hub: Hub

  beforeEach(async () => {
    ;({ engine, lose, restore } = await openLossyEngine(RETENTION))
    hub = new Hub(engine, report)
    await engine.presence.state('den', new Map([['ada', 1]]))
  })
  afterEach(async () => {
    hub.stop()
    await engine.close()
  })

  /** One who is nobody, so that coming in changes nothing that could show the loss. */
  const look = async (): Promise<PresenceSnapshot | undefined> => {
    const tab = new Recorder()
    hub.open(tab)
    return hub.presence.addViewer(await hub.join(tab, roomChannel('den')))
  }
  /** Ada leaves, and neither the feed nor the view hears it. */
  const loseLeave = async (): Promise<void> => {
    lose.next = 2
    await engine.presence.state('den', new Map([['ada', 0]]))
    expect(lose.next).toBe(0)
  }

  test('is read again', async () => {
    expect(await look()).toEqual({ users: ['ada'], count: 1 })
    await loseLeave()
    restore()
    expect(await look()).toEqual({ users: [], count: 0 })
  })

  test('is read again if it was just being read', async () => {
    const list = engine.presence.list.bind(engine.presence)
    let reads = 0
    engine.presence.list = async (...args) => {
      const found = await list(...args)
      if (++reads > 1) return found
      // This answer was on its way here meanwhile.
      await loseLeave()
      restore()
      return found
    }
    expect(await look()).toEqual({ users: [], count: 0 })
    expect(reads).toBe(2)
  })
})
