import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { roomChannel } from '../../../src/core/model/channel.ts'
import { decode, encode, encodeUnstored } from '../../../src/core/model/encoding.ts'
import { asReplay, type Draft, payloadOf, payloadTextOf } from '../../../src/core/model/publication.ts'
import { draftOf } from '../../support/drafts.ts'

const CHANNEL = roomChannel('ü {x}: 😀')
const EPOCH = 'aB3_-xyz.run00001'

const stored = (draft: Draft, seq = 7) => decode(draft.channel, Buffer.from(encode(draft, seq, EPOCH)))
const asEphemeral = (draft: Draft) => decode(draft.channel, Buffer.from(encodeUnstored(draft)))

describe('the wire form', () => {
  test('brings back every field of a stored draft', () => {
    const draft = draftOf(CHANNEL, 'hello', { except: 'socket_1-A', createdAt: 1, expiresAt: 2 ** 52 })
    const { channel, id, event, createdAt, expiresAt, except } = draft
    const facts = { channel, id, event, createdAt, expiresAt, except, epoch: EPOCH, seq: 7 }
    expect(stored(draft)).toMatchObject(facts)
  })

  test('says that nobody is left out, and that an unstored draft has no position', () => {
    expect(stored(draftOf(CHANNEL)).except).toBe('')
    expect(asEphemeral(draftOf(CHANNEL))).toMatchObject({ seq: 0, epoch: '', except: '' })
  })

  test('puts seq and epoch where head and tail leave room, and touches nothing else', () => {
    const head = '["message",{"data":[[],{},9007199254740993,1.0,"\\u0000 \\ud83d\\ude00 \u2028 😀"]'
    const draft = draftOf(CHANNEL, '', { head, tail: ',"alert":true}]' })
    expect(stored(draft, 9_007_199_254_740_991).packet.toString()).toBe(
      `${head},"seq":9007199254740991,"epoch":"${EPOCH}","alert":true}]`,
    )
    expect(asEphemeral(draft).packet.toString()).toBe(`${head},"alert":true}]`)
  })

  test('carries any JSON', () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: 'binary' }), fc.nat(), (json, seq) => {
        const draft = draftOf(CHANNEL, '', { head: `["message",{"data":${json}` })
        const publication = stored(draft, seq)
        expect(publication.seq).toBe(seq)
        expect(payloadTextOf(publication)).toBe(`{"data":${json},"seq":${seq},"epoch":"${EPOCH}"}`)
        expect(payloadOf(publication)).toEqual({ data: JSON.parse(json), seq, epoch: EPOCH })
      }),
    )
  })

  test.each(['1\n2', '1 2', '\u0000', 'ü'])('nothing is made of a draft whose fields have %j', (word) => {
    for (const draft of [draftOf(CHANNEL, '', { except: word }), draftOf(CHANNEL, '', { id: word })]) {
      expect(() => encode(draft, 7, EPOCH)).toThrow('cannot be part')
      expect(() => encodeUnstored(draft)).toThrow('cannot be part')
    }
  })

  test.each(['', 'hello', 'a b c\nd', '\n', '1 e message id 0 0'])('%j is none', (text) => {
    expect(() => decode(CHANNEL, Buffer.from(text))).toThrow('not a publication')
  })
})

describe('asReplay', () => {
  const notification = (tail: string) =>
    stored(draftOf(CHANNEL, 'hello', { event: 'notification', head: '["notification",{"a":1', tail }))

  test('takes the alert out of a notification, and leaves the original as it was', () => {
    const original = notification(',"alert":true}]')
    const replay = asReplay(original)
    expect(payloadOf(replay)).toEqual({ ...payloadOf(original), alert: false })
    expect(payloadOf(original).alert).toBe(true)
    expect(replay).toMatchObject({ seq: original.seq, id: original.id })
  })

  test('leaves alone what does not alert', () => {
    for (const publication of [
      notification(',"alert":false}]'),
      notification('}]'),
      stored(draftOf(CHANNEL, 'x', { tail: ',"alert":true}]' })),
      stored(draftOf(CHANNEL, 'x', { head: '[', tail: ']' })),
    ])
      expect(asReplay(publication)).toBe(publication)
  })
})
