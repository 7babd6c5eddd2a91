import { expect, test } from 'vitest'
import { newEngineSessionId, processOf, processOfUrl } from '../../src/cluster/engine-session-id.ts'

const RANDOM = 'abcdefghijklmnopqrst'

test('a new id names its process, and is another each time', () => {
  const ids = Array.from({ length: 1000 }, () => newEngineSessionId(12))
  expect(new Set(ids).size).toBe(1000)
  expect(new Set(ids.map(processOf))).toEqual(new Set([12]))
})

test.each([
  ['no process', RANDOM],
  ['an empty one', `.${RANDOM}`],
  ['zero', `0.${RANDOM}`],
  ['a leading zero', `01.${RANDOM}`],
  ['a negative one', `-1.${RANDOM}`],
  ['a path', `../1.${RANDOM}`],
  ['ten digits', `1234567890.${RANDOM}`],
  ['nineteen characters', `1.${RANDOM.slice(1)}`],
  ['twenty-one', `1.${RANDOM}u`],
  ['a slash', `1.${RANDOM.slice(1)}/`],
  ['a line after it', `1.${RANDOM}\n`],
])('an id with %s names nobody', (_name, sessionId) => {
  expect(processOf(sessionId)).toBeUndefined()
})

test.each([
  ['/socket.io/?EIO=4&transport=polling', undefined],
  ['/socket.io/', undefined],
  [`/socket.io/?EIO=4&sid=3.${RANDOM}`, 3],
  [`/socket.io/?EIO=4&sid=123456789.${RANDOM}&t=1`, 123_456_789],
  // As Engine.IO reads it.
  [`/socket.io/?sid=3.${RANDOM}&sid=4.${RANDOM}`, 4],
  [`/socket.io/?%73id=3.${RANDOM}`, 3],
  [`/socket.io/?xsid=3.${RANDOM}`, undefined],
  ['/socket.io/?sid=%', undefined],
])('of %s the process is %s', (url, process) => {
  expect(processOfUrl(url)).toBe(process)
})
