import { describe, expect, test } from 'vitest'
import { parseBody } from '../../../src/api/http/json-body.ts'
import { MAX_DEPTH } from '../../../src/core/json/depth.ts'
import { userChannel } from '../../../src/core/model/channel.ts'
import { payloadTextOf } from '../../../src/core/model/publication.ts'
import { call, shareApi, startApi } from '../../support/api.ts'

const shared = shareApi()

const documents = [
  '[]',
  '{}',
  '9007199254740993',
  '-9007199254740993',
  '1e400',
  '-0',
  '0.1234567890123456789',
  '123456789012345678901234567890',
  '{"a":[[],{},null,true,"ü 😀"],"b":{"c":{"d":[1,2.5,-3]}}}',
  '{"id":9007199254740993,"list":[1e400,18446744073709551615],"text":"9007199254740993"}',
  '"\\u0000\\ud83d\\ude00 \\"quoted\\" \\\\u"',
  '"__proto"',
  '{"constructor":{"prototype":1}}',
]

/** Documents that JSON.stringify would write otherwise than they were sent, though they are the same text. */
const canonical: Record<string, string> = { [documents[10]!]: '"\\u0000😀 \\"quoted\\" \\\\u"' }

test.each(documents)('data %s arrives as it was sent', async (data) => {
  const { api, engine } = await startApi()
  const body = `{"title":"x","data":${data}}`
  expect((await call(api, '/notify/demo', { body })).status).toBe(201)
  const { publications } = await engine.broker.latest(userChannel('demo'), undefined, {
    entries: 1,
    bytes: 1,
  })
  expect(payloadTextOf(publications[0]!)).toContain(`"data":${canonical[data] ?? data},"version"`)
})

test.each(documents)('data %s comes back in a history', async (data) => {
  const api = shared()
  await call(api, '/rooms/lobby/messages', { body: `{"data":${data}}` })
  const { text } = await call(api, '/rooms/lobby/messages')
  expect(text).toContain(`"data":${canonical[data] ?? data},"createdAt"`)
})

test('numbers elsewhere are numbers', async () => {
  const api = shared()
  expect((await call(api, '/notify/demo', { body: '{"title":"x","ttl":6e1}' })).status).toBe(201)
  expect(await call(api, '/notify/demo', { body: '{"title":"x","ttl":1e400}' })).toMatchObject({
    status: 400,
    json: { errors: [{ pointer: '/ttl' }] },
  })
})

test.each([
  '33.333333333333336',
  '0.3333333333333333',
  '99.99999999999999',
  '33.33333333333333700',
  '12.345678901234567890123',
])('%s is a progress, and in data stays as it is', async (value) => {
  const { api, engine } = await startApi()
  const body = `{"title":"x","progress":{"status":"running","value":${value}},"data":{"at":${value}}}`
  expect((await call(api, '/notify/demo/t', { method: 'PUT', body })).status).toBe(201)
  const many = `{"users":["ada"],"notification":${body.replace('"title"', '"tag":"t","title"')}}`
  expect((await call(api, '/notify', { body: many })).status).toBe(200)
  for (const user of ['demo', 'ada']) {
    const { publications } = await engine.broker.latest(userChannel(user), undefined, {
      entries: 1,
      bytes: 1,
    })
    const text = payloadTextOf(publications[0]!)
    expect(text).toContain(`"progress":{"status":"running","value":${Number(value)}}`)
    expect(text).toContain(`"data":{"at":${value}}`)
  }
})

describe('what is not JSON', () => {
  const title = Buffer.from('{"title":"')
  test.each<[string, string | Buffer]>([
    ['half an object', '{"title":'],
    ['a trailing comma', '{"title":"x",}'],
    ['two documents', '{"title":"x"}{}'],
    ['single quotes', "{'title':'x'}"],
    ['NaN', '{"data":NaN}'],
    ['a byte order mark', '\ufeff{"title":"x"}'],
    ['a raw new line in a string', '{"title":"a\nb"}'],
    ['Latin-1', Buffer.concat([title, Buffer.from([0xe9]), Buffer.from('"}')])],
    ['a surrogate in UTF-8', Buffer.concat([title, Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}')])],
  ])('%s is 400', async (_, body) => {
    const api = shared()
    expect(await call(api, '/notify/demo', { body })).toMatchObject({
      status: 400,
      json: { code: 'malformed_json' },
    })
  })

  test.each([['"text"'], ['5'], ['null'], ['[]'], ['']])('%j is JSON, but no object', async (body) => {
    const api = shared()
    expect(await call(api, '/notify/demo', { body, method: 'POST' })).toMatchObject({
      status: 400,
      json: { errors: [{ pointer: '' }] },
    })
  })
})

describe('__proto__', () => {
  test.each([
    ['/__proto__', '{"title":"x","__proto__":{"a":1}}'],
    ['/data/__proto__', '{"data":{"__proto__":1}}'],
    ['/data/a~1b/1/__proto__', '{"data":{"a/b":[0,{"__proto__":{}}]}}'],
    ['/data/__proto__', '{"data":{"\\u005f_proto__":1}}'],
    ['/data/__proto__', '{"data":{"__pr\\u006fto__":1}}'],
  ])('is refused at %s', async (pointer, body) => {
    const api = shared()
    expect(await call(api, '/notify/demo', { body })).toMatchObject({
      status: 400,
      json: { errors: [{ pointer }] },
    })
  })

  test('is taken as a value', async () => {
    const api = shared()
    expect((await call(api, '/notify/demo', { body: { data: '__proto__' } })).status).toBe(201)
  })
})

describe('JSON that is nested deeply', () => {
  const nested = (depth: number, core: string) => `{"data":${'['.repeat(depth)}${core}${']'.repeat(depth)}}`
  const paths = ['/notify/demo', '/rooms/lobby/messages']

  test.each(paths)('%s takes it up to the limit', async (path) => {
    for (const core of ['', '1', '1e400', '"__proto__"'])
      expect((await call(shared(), path, { body: nested(MAX_DEPTH, core) })).status).toBe(201)
  })

  test.each(paths)('%s refuses it beyond the limit, and says where', async (path) => {
    for (const body of [nested(MAX_DEPTH + 1, ''), nested(MAX_DEPTH, '{}'), nested(30_000, '1')])
      expect(await call(shared(), path, { body })).toMatchObject({
        status: 400,
        json: { errors: [{ pointer: '/data' }] },
      })
  })

  test('for many users it points into the notification', async () => {
    const body = `{"users":["demo"],"notification":${nested(MAX_DEPTH + 1, '')}}`
    expect(await call(shared(), '/notify', { body })).toMatchObject({
      status: 400,
      json: { errors: [{ pointer: '/notification/data' }] },
    })
  })

  test('what is too deep for the stack is refused as well', async () => {
    for (const body of [nested(500_000, '1'), nested(8000, '1e400'), nested(500_000, '{"__proto__":1}')])
      expect((await call(shared(), '/notify/demo', { body })).status).toBe(400)
  })
})

test('an empty body is none', () => {
  expect(parseBody(Buffer.alloc(0))).toBeUndefined()
})
