import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../../support/app.ts'

describe('an HTTP connection', () => {
  let app: TestApp
  beforeAll(async () => {
    app = await startApp()
  })
  afterAll(() => app.close())

  /** Sends bytes as they are, and resolves with everything that comes back until the server closes. */
  const talk = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(Number(new URL(app.url).port), '127.0.0.1')
      let answer = ''
      socket.setEncoding('utf8').on('data', (chunk: string) => {
        answer += chunk
      })
      socket.on('close', () => resolve(answer))
      socket.on('error', reject)
      socket.write(text)
    })

  const JSON_TYPE = 'Content-Type: application/json'
  /** A post with more headers, each with its line end. */
  const post = (headers: string[], body = '{"title":"x"}'): string =>
    [
      'POST /notify/ada HTTP/1.1',
      'Host: x',
      `Authorization: Bearer ${app.apiKey}`,
      ...headers,
      `Content-Length: ${body.length}`,
      '',
      body,
    ].join('\r\n')

  test('that offers HTTP/2 is answered over HTTP/1.1', async () => {
    const offer = [
      'Connection: Upgrade, HTTP2-Settings, close',
      'Upgrade: h2c',
      'HTTP2-Settings: AAMAAABk',
      JSON_TYPE,
    ]
    expect(await talk(post(offer))).toMatch(/^HTTP\/1\.1 201 /)
  })

  test('that asks for a websocket elsewhere gets 404', async () => {
    const answer = await talk(
      [
        'GET /elsewhere HTTP/1.1',
        'Host: x',
        'Connection: Upgrade, close',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
        '',
        '',
      ].join('\r\n'),
    )
    expect(answer).toMatch(/^HTTP\/1\.1 404 /)
  })

  test('on which garbage follows a post does not answer the post with the garbage', async () => {
    const before = await app.notify('ada', { title: 'before' })
    const answer = await talk(`${post([JSON_TYPE])}GARBAGE\r\n\r\n`)
    const after = await app.notify('ada', { title: 'after' })
    if (after.seq === before.seq + 2) expect(answer).not.toMatch(/^HTTP\/1\.1 4/)
    else expect(answer).not.toMatch(/^HTTP\/1\.1 2/)
  })

  test('to no route is answered before its body is looked at', async () => {
    const response = await app.post('/nope', {})
    expect(response.status).toBe(404)
    const broken = await fetch(`${app.url}/nope`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{bad',
    })
    expect(broken.status).toBe(404)
  })

  test.each([
    [['Content-Type: application/json; charset=utf-16'], 415],
    [['Content-Encoding: gzip', JSON_TYPE], 415],
    [['Content-Type: application/json; charset="UTF-8"'], 201],
    [['Content-Encoding: identity', JSON_TYPE], 201],
  ])('with %s is answered with %i', async (headers, status) => {
    expect(await talk(post(['Connection: close', ...headers]))).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
  })

  test.each(['9007199254740993', 'null', '7', '"text"', '[]'])(
    'a body that is only %s is refused as a whole',
    async (body) => {
      const answer = await talk(post(['Connection: close', JSON_TYPE], body))
      expect(answer).toMatch(/^HTTP\/1\.1 400 /)
      expect(answer).toContain('"pointer":""')
    },
  )
})
