import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'

const REDIS = { REDIS_URL: 'redis://127.0.0.1:6379' }
const bridgesOf = (env: Record<string, string>) => loadConfig({ ...REDIS, ...env }).bridges

test('every bridge is closed until it is opened', () => {
  expect(loadConfig({}).bridges).toEqual({
    redisPublish: [],
    redisStream: undefined,
    socketioEmitter: undefined,
  })
})

test('each variable opens its bridge', () => {
  const rules = [
    { channel: 'a.*', room: 'x *', event: 'e', replace: { '-': ' ' } },
    { channel: 'b', room: 'c' },
  ]
  const env = {
    BRIDGE_REDIS_PUBLISH: JSON.stringify(rules),
    BRIDGE_REDIS_STREAM: 'in',
    BRIDGE_SOCKETIO_EMITTER: 'socket.io',
  }
  expect(bridgesOf(env)).toEqual({
    redisPublish: rules,
    redisStream: 'in',
    socketioEmitter: 'socket.io',
  })
})

test.each(['BRIDGE_REDIS_PUBLISH', 'BRIDGE_REDIS_STREAM', 'BRIDGE_SOCKETIO_EMITTER'])(
  '%s wants Redis',
  (name) => {
    const value = '[{"channel": "a", "room": "b"}]'
    expect(() => loadConfig({ [name]: value })).toThrow(
      `${name} is set, but that bridge listens to Redis: set REDIS_URL`,
    )
    expect(() => loadConfig({ ...REDIS, [name]: value })).not.toThrow()
  },
)

test.each([
  ['no JSON', '[{', 'is not JSON'],
  ['no list', '{}', 'must be a list of rules'],
  ['no rules', '[]', 'must be a list of rules'],
  ['no object', '[[]]', 'rule 1 must be an object'],
  ['no room', '[{"channel": "a"}]', 'rule 1 needs a "room"'],
  ['a channel of another kind', '[{"channel": 1, "room": "a"}]', 'rule 1 needs a "channel"'],
  [
    'a field that is not known',
    '[{"channel": "a", "room": "b", "rooms": []}]',
    'has "rooms", which is not known',
  ],
  ['a star in the middle', '[{"channel": "a*b", "room": "b"}]', 'only the last character may be one'],
  ['two stars', '[{"channel": "a*", "room": "**"}]', 'more than one *'],
  ['a star from nowhere', '[{"channel": "a", "room": "*"}]', 'none in its channel'],
  ['an event of ours', '[{"channel": "a", "room": "b", "event": "gap"}]', 'must not be gap'],
  ['nothing to replace', '[{"channel": "a", "room": "b", "replace": {"": "x"}}]', '"replace"'],
  ['numbers to put there', '[{"channel": "a", "room": "b", "replace": {"x": 1}}]', '"replace"'],
  ['a list to replace', '[{"channel": "a", "room": "b", "replace": "x"}]', '"replace"'],
])('BRIDGE_REDIS_PUBLISH with %s is refused', (_name, value, fault) => {
  expect(() => bridgesOf({ BRIDGE_REDIS_PUBLISH: value })).toThrow(fault)
})

test.each(['secret', '1:key', ':key:secret', '1::secret', '1:key:'])(
  'PUSHER_API=%s is refused, and not repeated',
  (value) => {
    const fault = 'PUSHER_API must be app_id:key:secret, such as 1:app-key:a-long-secret'
    expect(() => bridgesOf({ PUSHER_API: value })).toThrow(fault)
  },
)
