import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  faultOfId,
  idOfChannel,
  isUserChannel,
  roomChannel,
  userChannel,
} from '../../../src/core/model/channel.ts'

describe('faultOfId', () => {
  test.each([
    'a',
    'a:b',
    '{x}',
    '*',
    '../../..',
    '.',
    ' ',
    '#',
    'ü 😀',
    '__proto__',
    '0',
    '\u200d\u2028\ufeff',
    'x'.repeat(256),
    '😀'.repeat(256),
    `${'x'.repeat(255)}😀`,
  ])('%j is an id', (id) => {
    expect(faultOfId(id)).toBeUndefined()
  })

  test.each<[string, unknown, RegExp]>([
    ['257 letters', 'x'.repeat(257), /at most 256/],
    ['257 emoji', '😀'.repeat(257), /at most 256/],
    ['256 letters and an emoji', `${'x'.repeat(256)}😀`, /at most 256/],
    ['a million letters', 'x'.repeat(1_000_000), /at most 256/],
    ['nothing', '', /empty/],
    ['a high surrogate', 'a\ud83d', /lone surrogate/],
    ['a low surrogate', '\ude00a', /lone surrogate/],
    ['surrogates the wrong way round', '\ude00\ud83d', /lone surrogate/],
    ['a number', 5, /string/],
    ['null', null, /string/],
    ['undefined', undefined, /string/],
    ['a list', ['a'], /string/],
  ])('%s is not', (_, id, fault) => {
    expect(faultOfId(id)).toMatch(fault)
  })

  test('no control character is allowed anywhere, and every other character is', () => {
    for (let code = 0; code <= 0x2ff; code++) {
      const isControl = code < 0x20 || (code >= 0x7f && code < 0xa0)
      expect(faultOfId(`a${String.fromCharCode(code)}b`) !== undefined, `U+${code.toString(16)}`).toBe(
        isControl,
      )
    }
  })

  test('counts code points', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('x', 'ü', '😀'), { minLength: 250, maxLength: 262 }), (points) => {
        expect(faultOfId(points.join('')) === undefined).toBe(points.length <= 256)
      }),
    )
  })
})

describe('channels', () => {
  test('lead back to their ids, and a user is no room', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (id) => {
        expect([idOfChannel(userChannel(id)), idOfChannel(roomChannel(id))]).toEqual([id, id])
        expect([isUserChannel(userChannel(id)), isUserChannel(roomChannel(id))]).toEqual([true, false])
        expect(userChannel(id)).not.toBe(roomChannel(id))
      }),
    )
  })
})
