import { request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLog } from '../../../src/process/log.ts'
import { call, KEY, shareApi, startApi } from '../../support/api.ts'
import type { Json } from '../../support/json.ts'

const shared = shareApi()
let port: number
beforeAll(async () => {
  await shared().listen({ port: 0 })
  port = (shared().server.address() as AddressInfo).port
})
afterAll(() => shared().server.closeAllConnections())

const authorization = `Bearer ${KEY}`
const json = 'application/json'

/** Bytes on a socket, and all that comes back. */
function talk(bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.end(bytes)
  return text(socket)
}

const bodyOf = (answer: string): Json => JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4))

test('a problem has every field, and its own media type', async () => {
  const { status, headers, json: problem } = await call(shared(), '/notify/d%C3%BC?key=x', { body: { a: 1 } })
  expect(status).toBe(400)
  expect(headers['content-type']).toMatch(/^application\/problem\+json/)
  expect(problem).toEqual({
    type: '/errors#invalid_request',
    title: 'The request is not valid',
    status: 400,
    detail: '/a is not a known field',
    instance: '/notify/d%C3%BC',
    code: 'invalid_request',
    help: 'http://localhost:80/errors#invalid_request',
    errors: [{ pointer: '/a', detail: 'is not a known field' }],
  })
})

describe('routes', () => {
  test.each(['/nowhere', '/me', '/notify/a/b/c', '//notify/a', '/Notify/a', '/users/a/'])(
    '%s is not found',
    async (url) => {
      expect(await call(shared(), url, { method: 'GET' })).toMatchObject({
        status: 404,
        json: { code: 'not_found' },
      })
    },
  )

  test('an empty id is no id', async () => {
    expect(await call(shared(), '/notify/', { body: { title: 'x' } })).toMatchObject({
      status: 400,
      json: { errors: [{ pointer: '/user' }] },
    })
    expect(await call(shared(), '/notify/a/')).toMatchObject({
      status: 400,
      json: { errors: [{ pointer: '/idOrTag' }] },
    })
  })

  test.each(['/?name=demo&msg=hi&key=x', '/?msg=hi', '/?key=x', '/?x&name'])(
    'while the GET API is off, the answer to %s says so',
    async (url) => {
      expect(await call(shared(), url)).toMatchObject({
        status: 404,
        json: { code: 'not_found', detail: expect.stringContaining('GET_API=on'), instance: '/' },
      })
      expect(await call(shared(), '/?user=ada')).toMatchObject({ status: 200 })
    },
  )

  test('a method that the path does not take gets the ones that it takes', async () => {
    expect(await call(shared(), '/notify/a', { method: 'GET' })).toMatchObject({
      status: 405,
      headers: { allow: 'POST' },
      json: { code: 'method_not_allowed' },
    })
    expect(await call(shared(), '/rooms/a/messages', { method: 'DELETE' })).toMatchObject({
      status: 405,
      headers: { allow: 'GET, HEAD, POST' },
    })
  })
})

describe('what is wrong is said in plain words', () => {
  test.each<[string, unknown, string]>([
    ['/notify/a', '', 'the body must be a JSON object'],
    ['/notify/a', '[]', 'the body must be a JSON object'],
    ['/notify/a', '5', 'the body must be a JSON object'],
    ['/notify/a', { title: 'x', ttl: 1.5 }, '/ttl must be an integer'],
    ['/notify/a', { title: 5 }, '/title must be a string'],
    ['/notify/a', { title: 'x', actor: 5 }, '/actor must be an object'],
    ['/notify/a', { title: 'x'.repeat(201) }, '/title must have at most 200 characters'],
    ['/notify/a', { title: 'x', sendAt: 'soon' }, '/sendAt must be a time such as 2026-11-21T09:00:00Z'],
    ['/notify/', { title: 'x' }, '/user must have at least 1 character'],
    ['/notify', { users: [], notification: { title: 'x' } }, '/users must have at least 1 item'],
  ])('%s %j: %s', async (url, body, detail) => {
    expect(await call(shared(), url, { body })).toMatchObject({ status: 400, json: { detail } })
  })

  test('a path that ends with a slash', async () => {
    expect(await call(shared(), '/notify/demo/', { body: { title: 'x' } })).toMatchObject({
      status: 405,
      json: { detail: expect.stringContaining('ends with a slash; without it, POST is taken') },
    })
    expect(await call(shared(), '/users/a/presence/')).toMatchObject({
      status: 404,
      json: { detail: expect.stringContaining('ends with a slash; without it, GET is taken') },
    })
    expect((await call(shared(), '/users/a/')).json.detail).toBe('there is no GET here')
  })

  test('an API key where a token is wanted', async () => {
    expect(await call(shared(), '/me/notifications')).toMatchObject({
      status: 401,
      json: { code: 'token_invalid', detail: expect.stringContaining('API key is for backends') },
    })
  })
})

describe('media types', () => {
  test.each([
    ['text/plain'],
    ['application/x-www-form-urlencoded'],
    ['multipart/form-data; boundary=x'],
    ['application/xml'],
    ['application/octet-stream'],
    ['nonsense'],
  ])('%s is 415', async (type) => {
    const headers = { 'content-type': type }
    expect(await call(shared(), '/notify/a', { body: '{"title":"x"}', headers })).toMatchObject({
      status: 415,
      json: { code: 'unsupported_media_type', detail: expect.stringContaining('application/json') },
    })
  })

  test('a body without a type is 415', async () => {
    const answer = await talk(
      `POST /notify/a HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 415 /)
  })

  test.each(['application/json; charset=utf-8', 'Application/JSON'])('%s is JSON', async (type) => {
    const headers = { 'content-type': type }
    expect((await call(shared(), '/notify/a', { body: '{"title":"x"}', headers })).status).toBe(201)
  })
})

describe('sizes', () => {
  const send = (body: string, chunked: boolean): Promise<{ status: number; body: string }> =>
    new Promise((resolve, reject) => {
      const outgoing = request(
        {
          port,
          path: '/notify/a',
          method: 'POST',
          headers: {
            authorization,
            'content-type': json,
            ...(chunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': Buffer.byteLength(body) }),
          },
        },
        (response) =>
          text(response).then((got) => resolve({ status: response.statusCode!, body: got }), reject),
      )
      // The server answers and closes before it has read it all.
      outgoing.on('error', reject)
      outgoing.end(body)
    })

  test.each([
    ['announced', false],
    ['in chunks', true],
  ])('2 MB %s is 413', async (_, chunked) => {
    const { status, body } = await send(JSON.stringify({ data: 'x'.repeat(2_000_000) }), chunked)
    expect([status, JSON.parse(body).code]).toEqual([413, 'too_large'])
  })

  test('the limit is what was configured', async () => {
    const { api } = await startApi({ maxBodyBytes: 2048 })
    const body = (bytes: number) => `{"title":"x"}${' '.repeat(bytes - 13)}`
    expect((await call(api, '/notify/a', { body: body(2048) })).status).toBe(201)
    expect(await call(api, '/notify/a', { body: body(2049) })).toMatchObject({
      status: 413,
      json: { detail: 'the body has more than 2048 bytes (MAX_BODY_BYTES)' },
    })
  })
})

describe('what is hardly HTTP', () => {
  test.each([
    [
      'a malformed path',
      'GET /notify/%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
      400,
      'malformed_url',
    ],
    [
      'large headers',
      `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
      431,
      'header_too_large',
    ],
    ['another protocol', 'HELO example\r\n\r\n', 400, 'invalid_request'],
    [
      'two lengths',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
      400,
      'invalid_request',
    ],
    [
      'a length that is none',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
      400,
      'invalid_request',
    ],
  ])('%s is a problem', async (_, bytes, status, code) => {
    const answer = await talk(bytes)
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(answer).toMatch(/content-type: application\/problem\+json/i)
    expect(bodyOf(answer)).toMatchObject({ type: `/errors#${code}`, status, code })
  })

  test('a request without a host is helped relative to itself', async () => {
    const answer = await talk('GET /nowhere HTTP/1.0\r\n\r\n')
    expect(bodyOf(answer)).toMatchObject({ type: '/errors#not_found', help: '/errors#not_found' })
    expect(bodyOf(await talk('HELO example\r\n\r\n')).help).toBe('/errors#invalid_request')
  })

  test('the server is well afterwards', async () => {
    expect((await call(shared(), '/livez')).status).toBe(200)
  })
})

test('a fault inside is logged, and the answer shows nothing of it', async () => {
  const lines: string[] = []
  const { log, report } = createLog('info', { write: (line: string) => lines.push(line) })
  const { api, engine } = await startApi({ log, report })
  engine.connections.count = () => Promise.reject(new Error('the inside'))
  const answer = await call(api, '/users/ann/presence')
  expect(answer).toMatchObject({ status: 500, json: { code: 'internal' } })
  expect(answer.text).not.toContain('inside')
  expect(lines.filter((line) => line.includes('the inside'))).toHaveLength(1)
})

test('neither bodies nor credentials nor requests reach the log', async () => {
  const lines: string[] = []
  const { log, report } = createLog('trace', { write: (line: string) => lines.push(line) })
  const { api } = await startApi({ log, report })
  await call(api, '/notify/ann', { body: { title: 'private' } })
  await call(api, '/notify/ann', { body: '{"title":"private' })
  await call(api, '/notify/ann', { body: { private: 1 } })
  await call(api, '/notify/ann', { body: { title: 'private' }, key: 'private-key' })
  await call(api, '/private?token=private')
  expect(lines.join('')).not.toMatch(/private|key-of-the-test/)
  expect(lines).toEqual([])
})
