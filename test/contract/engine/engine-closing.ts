import { describe, expect, test } from 'vitest'
import type { Engine } from '../../../src/core/engine/engine.ts'
import type { PendingWebhook } from '../../../src/core/engine/webhook-queue.ts'
import { draftOf } from '../../support/drafts.ts'
import { TopicRecorder } from '../../support/listener.ts'
import { ALL, type Harness, someRoom, someUser, upTo } from './harness.ts'

const SOME_WEBHOOK: PendingWebhook = {
  ...{ id: 'x', user: 'somebody', version: 1, events: ['read'] },
  ...{ looks: 0, unsent: [], failures: 0, retryAt: 0 },
}

const CALLS: Record<string, (engine: Engine) => Promise<unknown>> = {
  publish: ({ broker }) => broker.publish(draftOf(someRoom())),
  'publish unstored': ({ broker }) => broker.publish(draftOf(someRoom(), 0, { stored: false })),
  subscribe: ({ broker }) => broker.subscribe(someRoom(), () => {}),
  since: ({ broker }) => broker.since(someRoom(), {}, ALL),
  latest: ({ broker }) => broker.latest(someRoom(), undefined, ALL),
  announce: ({ connections }) => connections.announce(someRoom(), 1),
  count: ({ connections }) => connections.count([someRoom()]),
  revoke: ({ revocations }) => revocations.revoke('somebody', 1),
  revokedUntil: ({ revocations }) => revocations.revokedUntil('somebody'),
  'put a webhook': ({ webhookQueue }) => webhookQueue.put(SOME_WEBHOOK, 1),
  'take webhooks': ({ webhookQueue }) => webhookQueue.take(1, 2, 1),
  'hasten webhooks': ({ webhookQueue }) => webhookQueue.hasten(['x'], 1),
  'give a webhook back': ({ webhookQueue }) =>
    webhookQueue.giveBack({ webhook: SOME_WEBHOOK, token: 'x' }, undefined, 1),
  peers: ({ registry }) => registry.peers(),
  probe: (engine) => engine.probe(),
  describe: (engine) => engine.describe(),
}

/** An engine after its close. */
export function engineClosingLaw(harness: Harness): void {
  describe('closing', () => {
    test.each(Object.keys(CALLS))('after it, %s rejects with shutting_down', async (name) => {
      const engine = await harness.open()
      await engine.probe()
      await engine.close()
      await expect(CALLS[name]!(engine)).rejects.toMatchObject({ code: 'shutting_down', temporary: true })
    })

    test('it may be asked for more than once, at once or later', async () => {
      const engine = await harness.open()
      await Promise.all([engine.close(), engine.close()])
      await engine.close()
    })

    test('what needs no answer is ignored after it', async () => {
      const engine = await harness.open()
      const recorder = new TopicRecorder()
      const channel = someRoom()
      await engine.broker.subscribe(channel, recorder.hear)
      await engine.close()
      engine.broker.unsubscribe(channel, recorder.hear)
      engine.registry.enter({ role: 'all', url: '' })
    })

    if (harness.features.restart)
      test('a publish that it meets is stored or refused, and what was acknowledged is there afterwards', async () => {
        const engine = await harness.open()
        const channel = someUser()
        const publishing = upTo(200).map((number) => engine.broker.publish(draftOf(channel, number)))
        const [results] = await Promise.all([Promise.allSettled(publishing), engine.close()])
        const acknowledged: string[] = []
        for (const result of results) {
          if (result.status === 'fulfilled') acknowledged.push(result.value.id)
          else expect(result.reason).toMatchObject({ temporary: true })
        }
        const { broker } = await harness.open()
        const { publications } = await broker.since(channel, { seq: 0 }, ALL)
        const stored = publications.map(({ id }) => id)
        expect(acknowledged.filter((id) => !stored.includes(id))).toEqual([])
        expect(publications.map(({ seq }) => seq)).toEqual(upTo(stored.length))
      })
  })
}
