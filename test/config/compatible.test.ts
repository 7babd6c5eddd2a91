import { expect, test } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'

test('each compatible API is closed until it is opened', () => {
  expect(loadConfig({}).compatible).toEqual({ pusher: undefined, get: false })
  const env = { PUSHER_API: '1:key:secret:with:colons', GET_API: 'on' }
  expect(loadConfig(env).compatible).toEqual({
    pusher: { appId: '1', key: 'key', secret: 'secret:with:colons' },
    get: true,
  })
})
