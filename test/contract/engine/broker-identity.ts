import { describe, expect, test } from 'vitest'
import { roomChannel, userChannel } from '../../../src/core/model/channel.ts'
import { draftOf } from '../../support/drafts.ts'
import { TopicRecorder } from '../../support/listener.ts'
import { ALL, type Harness, seqsOf, someRoom } from './harness.ts'

/** Ids that are easily taken for another, or for something else than an id. */
const IDS = [
  ...['a', 'A', 'a ', ' a', 'a:b', 'a:log', 'a:meta', 'a}:log', '{x}', '{x', 'x}', '{}', '}{', 'x'],
  ...['*', '?', '[a]', '../..', '.', '..', '/', '#', '%', '%2F', "'", '"', '\\', '`', '--', ';', '0', '00'],
  ...[
    '__proto__',
    'constructor',
    'null',
    'undefined',
    'ü 😀',
    'u\u0308 😀',
    'é',
    'e\u0301',
    '\u200b',
    'ﬁ',
    'fi',
  ],
  ...[
    '😀'.repeat(256),
    `${'😀'.repeat(255)}😁`,
    'x'.repeat(256),
    `${'x'.repeat(255)}y`,
    `a${' '.repeat(255)}`,
  ],
]

const CONTENT =
  '{"empty":[],"nothing":{},"big":9007199254740993,"exact":1.0,"small":1e-400,"text":"\\u0000\\u2028\\ud83d\\ude00 \\/ \u2028 ü 😀","__proto__":{}}'

/** Two ids are two, and content is not touched. */
export function brokerIdentityLaw(harness: Harness): void {
  describe('identity', () => {
    test('ids are kept apart, whatever they look like', async () => {
      const { broker, connections, revocations } = await harness.open()
      const channels = IDS.flatMap((id) => [userChannel(id), roomChannel(id)])
      const recorders = channels.map(() => new TopicRecorder())
      await Promise.all(channels.map((channel, index) => broker.subscribe(channel, recorders[index]!.hear)))
      await Promise.all(channels.map((channel, index) => connections.announce(channel, index + 1)))
      await Promise.all(IDS.map((id, index) => revocations.revoke(id, index + 1)))
      const idempotency = { key: 'k', fingerprint: 'f' }
      const published = await Promise.all(
        channels.map((channel) => broker.publish(draftOf(channel, channel, { idempotency }))),
      )

      expect(published.map(({ connections }) => connections)).toEqual(channels.map((_, index) => index + 1))
      expect(published.filter(({ seq, replayed }) => seq !== 1 || replayed)).toEqual([])
      const counts = await connections.count(channels)
      expect(counts.map(({ connections }) => connections)).toEqual(channels.map((_, index) => index + 1))
      for (const [index, id] of IDS.entries()) expect(await revocations.revokedUntil(id)).toBe(index + 1)
      for (const [index, channel] of channels.entries()) {
        await recorders[index]!.hasHeard(1)
        expect(recorders[index]!.data).toEqual([channel])
        expect(recorders[index]!.heard[0]!.channel).toBe(channel)
        const page = await broker.since(channel, { seq: 0 }, ALL)
        expect(page.publications.map(({ id, channel }) => [id, channel])).toEqual([
          [published[index]!.id, channel],
        ])
      }
    })

    test('content is heard and read byte for byte, with seq and epoch where they belong', async () => {
      const { broker } = await harness.open()
      const channel = someRoom()
      const recorder = new TopicRecorder()
      await broker.subscribe(channel, recorder.hear)
      const head = `["message",{"data":${CONTENT}`
      const { seq, epoch } = await broker.publish(draftOf(channel, '', { head, tail: ',"alert":true}]' }))
      await broker.publish(draftOf(channel, '', { head, tail: '}]', stored: false }))
      await recorder.hasHeard(2)
      const expected = `${head},"seq":${seq},"epoch":"${epoch}","alert":true}]`
      expect(recorder.heard[0]!.packet.toString()).toBe(expected)
      expect(recorder.heard[1]!.packet.toString()).toBe(`${head}}]`)
      const page = await broker.since(channel, { seq: 0 }, ALL)
      expect(seqsOf(page)).toEqual([1])
      expect(page.publications[0]!.packet.toString()).toBe(expected)
    })
  })
}
