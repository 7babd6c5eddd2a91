import { expect, test } from 'vitest'
import { parseLocation } from '../../../../src/engines/redis/links/location.ts'

test.each([
  ['redis://h', { kind: 'standalone', addresses: [{ host: 'h', port: 6379 }], tls: false, database: 0 }],
  [
    'rediss://me:p%40ss@[::1]:1/3',
    {
      kind: 'standalone',
      addresses: [{ host: '::1', port: 1 }],
      tls: true,
      database: 3,
      username: 'me',
      password: 'p@ss',
    },
  ],
  [
    'redis://:pw@a:1,redis://b',
    {
      kind: 'cluster',
      addresses: [
        { host: 'a', port: 1 },
        { host: 'b', port: 6379 },
      ],
      tls: false,
      password: 'pw',
    },
  ],
  [
    'redis-sentinel://a/one',
    {
      kind: 'sentinel',
      addresses: [{ host: 'a', port: 26379 }],
      tls: false,
      name: 'one',
      database: 0,
      sentinel: {},
    },
  ],
  [
    'redis-sentinel://me:a:b%2C@a:1,[::1]:2/my%20name/2?sentinelUsername=s&sentinelPassword=x%26y',
    {
      kind: 'sentinel',
      addresses: [
        { host: 'a', port: 1 },
        { host: '::1', port: 2 },
      ],
      tls: false,
      name: 'my name',
      database: 2,
      username: 'me',
      password: 'a:b,',
      sentinel: { username: 's', password: 'x&y' },
    },
  ],
])('%s', (url, location) => {
  expect(parseLocation(url)).toEqual(location)
})

test.each([
  'localhost:6379x',
  'redis-sentinel://a',
  'redis-sentinel:///name',
  'redis-sentinel://a b/name',
  'redis-sentinel://a/name/x',
  'redis-sentinel://a/name?password=x',
])('%s is refused', (url) => {
  expect(() => parseLocation(url)).toThrow(TypeError)
})
