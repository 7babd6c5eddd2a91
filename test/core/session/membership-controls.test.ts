import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Hub } from '../../../src/core/delivery/hub.ts'
import { controlDraft } from '../../../src/core/drafts/server.ts'
import type { Engine } from '../../../src/core/engine/engine.ts'
import { userChannel } from '../../../src/core/model/channel.ts'
import { Publisher } from '../../../src/core/publishing/publisher.ts'
import { report } from '../../support/engines.ts'
import { openLossyEngine } from '../../support/lossy-topics.ts'
import { Recorder } from '../../support/recorder.ts'

describe('a change of a membership whose message was lost', () => {
  let engine: Engine
  let lose: { next: number }
  let hub: Hub
  let publisher: Publisher
  let tab: Recorder

  beforeEach(async () => {
    // The engine writes memberships by itself, past the broker, but on the same topic.
    ;({ engine, lose } = await openLossyEngine({ count: 3, seconds: 3600 }))
    hub = new Hub(engine, report)
    publisher = new Publisher(engine)
    tab = new Recorder()
    hub.open(tab)
    await (await hub.join(tab, userChannel('ada'))).release(true)
  })

  afterEach(async () => {
    hub.stop()
    await engine.close()
  })

  const grant = (room: string): Promise<boolean> =>
    engine.memberships.grant(
      { user: 'ada', room, publish: false },
      controlDraft('ada', { action: 'join', room, publish: false }),
      100,
    )

  test('is done as soon as something follows it, once and in its turn', async () => {
    lose.next = 1
    await grant('den')
    expect(tab.controls).toEqual([])
    await grant('yard')
    await publisher.notify('ada', { title: 'after' }, { credential: 'test' })
    await tab.shows('after')
    expect(tab.controls.map((control) => 'room' in control && control.room)).toEqual(['den', 'yard'])
    expect(tab.losses).toEqual([])
  })

  test('and whose entry was trimmed counts as a loss', async () => {
    lose.next = 4
    for (const room of ['a', 'b', 'c', 'd']) await grant(room)
    await publisher.notify('ada', { title: 'after' }, { credential: 'test' })
    await tab.shows('after')
    expect(tab.losses).toEqual([userChannel('ada')])
    expect(tab.gaps).toHaveLength(1)
  })
})
