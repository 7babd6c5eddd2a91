import { expect, test } from 'vitest'
import { decode, encode } from '../../../src/core/model/encoding.ts'
import { asReplay } from '../../../src/core/model/publication.ts'
import { frameOf } from '../../../src/sockets/engine-io/frame.ts'
import { draftOf } from '../../support/drafts.ts'

const publicationOf = (head: string, tail: string) =>
  decode(
    'user:ada',
    Buffer.from(encode(draftOf('user:ada', '', { event: 'notification', head, tail }), 1, 'e')),
  )

test('a publication is encoded once, however many tabs receive it, and carries nothing of a transport', () => {
  const publication = publicationOf('["notification",{"a":1', '}]')
  const fields = Object.keys(publication)
  expect(frameOf(publication)).toBe(frameOf(publication))
  expect(Object.keys(publication)).toEqual(fields)
})

test('a replay, which no longer alerts, is encoded anew', () => {
  const publication = publicationOf('["notification",{"a":1', ',"alert":true}]')
  expect(frameOf(publication).toString()).toContain('"alert":true')
  expect(frameOf(asReplay(publication)).toString()).toContain('"alert":false')
})

test.each([
  [125, 2],
  [126, 4],
  [65_535, 4],
  [65_536, 10],
])('a payload of %i bytes has a head of %i (RFC 6455 §5.2)', (length, head) => {
  const rest = '42["m",{"a":"","seq":1,"epoch":"e"}]'.length
  const publication = publicationOf(`["m",{"a":"${'x'.repeat(length - rest)}"`, '}]')
  expect(frameOf(publication).length).toBe(length + head)
})
