import { readdir, readFile } from 'node:fs/promises'
import { join, posix, sep } from 'node:path'
import { describe, expect, it } from 'vitest'
import { codeOf, importsOf } from './imports.ts'
import { type Sources, violationsIn } from './rules.ts'

const root = join(import.meta.dirname, '../..')

async function ownSources(): Promise<Sources> {
  const entries = await readdir(join(root, 'src'), { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const read = async (file: string) =>
    [file.slice(root.length + 1).replaceAll(sep, '/'), await readFile(file, 'utf8')] as const
  return new Map(await Promise.all(files.map(read)))
}

describe('the house', () => {
  it('keeps its rules', async () => {
    const sources = await ownSources()
    expect(sources.size).toBeGreaterThan(20)
    expect(violationsIn(sources)).toEqual([])
  })
})

describe('what is allowed', () => {
  it.each([
    [
      'main → app, config',
      'src/main.ts',
      `import { createApp } from './app.ts'\nimport { loadConfig } from './config.ts'`,
    ],
    ['main: signals', 'src/main.ts', `process.on('SIGTERM', stop)\nprocess.exit(0)`],
    [
      'app → the wings',
      'src/app.ts',
      `import { buildApi } from './api/build-api.ts'\nimport type { Config } from './config.ts'`,
    ],
    [
      'app: the types of a vendor',
      'src/app.ts',
      `import type { Server } from 'socket.io'\nimport type { FastifyInstance } from 'fastify'`,
    ],
    ['config: the environment', 'src/config/config.ts', `const { PORT } = process.env`],
    [
      'api: Fastify',
      'src/api/a.ts',
      `import fastify from 'fastify'\nimport jwt from '@fastify/jwt'\nimport { a } from '../core/model/a.ts'`,
    ],
    ['sockets: Socket.IO', 'src/sockets/a.ts', `import { Server } from 'socket.io'`],
    ['the Redis engine: ioredis', 'src/engines/redis/a.ts', `import { Redis } from 'ioredis'`],
    ['main → cluster', 'src/main.ts', `import { a } from './cluster/a.ts'`],
    ['app → cluster', 'src/app.ts', `import { a } from './cluster/a.ts'`],
    [
      'cluster → core',
      'src/cluster/a.ts',
      `import { a } from '../core/model/a.ts'\nimport cluster from 'node:cluster'`,
    ],
    ['bridges: ioredis', 'src/bridges/a.ts', `import { Redis } from 'ioredis'`],
    [
      'webhooks: how they are signed and sent',
      'src/webhooks/a.ts',
      `import { Webhook } from 'standardwebhooks'\nimport { useAgent } from 'request-filtering-agent'\nimport { a } from '../core/model/a.ts'`,
    ],
    [
      'create-engine → both',
      'src/engines/create-engine.ts',
      `import { a } from './redis/a.ts'\nimport { b } from './embedded/b.ts'`,
    ],
    [
      'client → types of core',
      'src/client/a.ts',
      `import type { A } from '../core/model/a.ts'\nimport { io } from 'socket.io-client'`,
    ],
    ['a second file of config', 'src/config/keys.ts', `import { a } from '../core/model/a.ts'`],
    [
      'a vendor described',
      'src/engines/redis/a.d.ts',
      `declare module 'a' { export default function a(): void }`,
    ],
    [
      'words in a comment or a string',
      'src/core/model/a.ts',
      `// import 'ioredis', process.env\nconst a = "process.exit in '/*'" /* export default */`,
    ],
    ['a member called import', 'src/core/model/a.ts', `job.import('ioredis')`],
  ])('%s', (_name, path, source) => {
    expect(violationsIn(new Map([[path, source]]))).toEqual([])
  })
})

describe('each rule can fail', () => {
  it.each([
    ['main → core', 'src/main.ts', `import { a } from './core/model/a.ts'`, 'main may not import core'],
    [
      'core → an engine',
      'src/core/model/a.ts',
      `import { a } from '../../engines/redis/a.ts'`,
      'core may not import engines',
    ],
    [
      'core → a package',
      'src/core/model/a.ts',
      `import { Type } from 'typebox'`,
      'core may not import the package',
    ],
    ['api → sockets', 'src/api/a.ts', `import { a } from '../sockets/a.ts'`, 'api may not import sockets'],
    [
      'sockets → api',
      'src/sockets/a.ts',
      `import type { A } from '../api/a.ts'`,
      'sockets may not import api',
    ],
    [
      'engines → api',
      'src/engines/redis/a.ts',
      `export { a } from '../../api/a.ts'`,
      'engines may not import api',
    ],
    [
      'engines → sockets',
      'src/engines/redis/a.ts',
      `import '../../sockets/a.ts'`,
      'engines may not import sockets',
    ],
    [
      'bridges → engines',
      'src/bridges/a.ts',
      `await import('../engines/redis/a.ts')`,
      'bridges may not import engines',
    ],
    [
      'webhooks → engines',
      'src/webhooks/a.ts',
      `import { a } from '../engines/redis/a.ts'`,
      'webhooks may not import engines',
    ],
    [
      'api: how webhooks are signed',
      'src/api/a.ts',
      `import { Webhook } from 'standardwebhooks'`,
      'the package standardwebhooks lives in another room',
    ],
    ['pages → api', 'src/pages/a.ts', `import a from '../api/a.ts'`, 'pages may not import api'],
    [
      'cluster → sockets',
      'src/cluster/a.ts',
      `import { a } from '../sockets/a.ts'`,
      'cluster may not import sockets',
    ],
    [
      'sockets → cluster',
      'src/sockets/a.ts',
      `import { a } from '../cluster/a.ts'`,
      'sockets may not import cluster',
    ],
    ['a signal in cluster', 'src/cluster/a.ts', `process.on('SIGTERM', stop)`, 'has signals and exit'],
    ['a wing → app', 'src/api/a.ts', `let app: import('../app.ts').App`, 'api may not import app'],
    ['a wing → main', 'src/sockets/a.ts', `import '../main.ts'`, 'sockets may not import main'],
    [
      'a wing → config',
      'src/api/a.ts',
      `import type { Config } from '../config/config.ts'`,
      'api may not import config',
    ],
    [
      'one engine → another',
      'src/engines/redis/a.ts',
      `import { a } from '../embedded/a.ts'`,
      'one engine may not import',
    ],
    [
      'client → values of core',
      'src/client/a.ts',
      `import { a, type B } from '../core/model/a.ts'`,
      'client may not import core',
    ],
    [
      'client → types of sockets',
      'src/client/a.ts',
      `import type { A } from '../sockets/a.ts'`,
      'client may not import sockets',
    ],
    ['client → Node', 'src/client/a.ts', `import { join } from 'node:path'`, 'without node:path'],
    [
      'Fastify in sockets',
      'src/sockets/a.ts',
      `import type { FastifyInstance } from 'fastify'`,
      'the package fastify',
    ],
    ['a Fastify plugin in app', 'src/app.ts', `import jwt from '@fastify/jwt'`, 'the package @fastify/jwt'],
    ['Socket.IO in api', 'src/api/a.ts', `import { Server } from 'socket.io'`, 'the package socket.io'],
    [
      'Socket.IO, a deep path',
      'src/api/a.ts',
      `import { a } from 'socket.io/dist/a.js'`,
      'the package socket.io',
    ],
    [
      'Socket.IO as a value in app',
      'src/app.ts',
      `import { Server } from 'socket.io'`,
      'the package socket.io',
    ],
    [
      'ioredis in the embedded engine',
      'src/engines/embedded/a.ts',
      `import { Redis } from 'ioredis'`,
      'the package ioredis',
    ],
    ['ioredis in api', 'src/api/a.ts', `const { Redis } = await import("ioredis")`, 'the package ioredis'],
    ['process.env', 'src/app.ts', `if (process.env.DEBUG) x()`, 'has process.env'],
    ['process.env in a template', 'src/app.ts', `const a = \`\${process.env.A}\``, 'has process.env'],
    ["process['env']", 'src/app.ts', `const a = process['env']`, 'has process.env'],
    ['env taken out of process', 'src/app.ts', `const { env } = process`, 'has process.env'],
    ['node:process', 'src/app.ts', `import { env } from 'node:process'`, 'imports node:process'],
    ['a signal', 'src/app.ts', `process.once('SIGTERM', stop)`, 'has signals and exit'],
    ['an exit', 'src/core/model/a.ts', `process.exit(1)`, 'has signals and exit'],
    ['a barrel', 'src/core/model/a.ts', `export * from './b.ts'`, 'has a barrel'],
    ['a barrel with a name', 'src/core/model/a.ts', `export * as b from './b.ts'`, 'has a barrel'],
    ['a default export', 'src/core/model/a.ts', `export default class {}`, 'has a default export'],
    ['a default export by name', 'src/core/model/a.ts', `export { a as default }`, 'has a default export'],
    ['a long file', 'src/core/model/a.ts', '\n'.repeat(250).concat('x'), '251 lines'],
    ['a long script of a page', 'src/pages/a.js', '\n'.repeat(250).concat('x'), '251 lines'],
    ['a long function', 'src/api/a.ts', `function f() {${'\n'.repeat(60)}}`, 'a function of 61 lines'],
    ['a long arrow function', 'src/api/a.ts', `x(() => {${'\n'.repeat(60)}})`, 'a function of 61 lines'],
    ['an export without a docstring', 'src/api/a.ts', `\nexport const a = 1`, 'docstring at line 2'],
    [
      'a docstring of something else',
      'src/api/a.ts',
      `/** B. */\nconst b = 1\nexport type A = typeof b`,
      'docstring at line 3',
    ],
    [
      'a docstring that begins with a relative clause',
      'src/api/a.ts',
      `/** Whether it is. */\nexport const a = 1`,
      'a relative clause at line 2',
    ],
    [
      'publishing → delivery',
      'src/core/publishing/a.ts',
      `import { a } from '../delivery/a.ts'`,
      'core/publishing may not import core/delivery',
    ],
    [
      'delivery → publishing',
      'src/core/delivery/a.ts',
      `import type { A } from '../publishing/a.ts'`,
      'core/delivery may not import core/publishing',
    ],
    [
      'session → a transport',
      'src/core/session/a.ts',
      `import type { A } from '../../sockets/a.ts'`,
      'core may not import sockets',
    ],
    [
      'an arrow up',
      'src/core/model/a.ts',
      `import type { A } from '../engine/a.ts'`,
      'core/model may not import core/engine',
    ],
    ['a file beside the rooms of core', 'src/core/a.ts', '', 'belongs to no room of core'],
    ['a room of core that is none', 'src/core/things/a.ts', '', 'belongs to no room of core'],
    [
      'the insides of Engine.IO → what is built on them',
      'src/sockets/engine-io/a.ts',
      `import { a } from '../tabs.ts'`,
      'sockets/engine-io may not import',
    ],
    [
      'links → the engine',
      'src/engines/redis/links/a.ts',
      `import { a } from '../keys.ts'`,
      'engines/redis/links may not import',
    ],
    [
      'http → routes',
      'src/api/http/a.ts',
      `import { a } from '../routes/a.ts'`,
      'api/http may not import api/routes',
    ],
    ['api → webhooks', 'src/api/a.ts', `import { a } from '../webhooks/a.ts'`, 'api may not import webhooks'],
    ['pino in api', 'src/api/a.ts', `import { pino } from 'pino'`, 'the package pino'],
    ['a manager', 'src/core/model/room-manager.ts', '', 'the name says nothing'],
    ['a service', 'src/core/model/roomService.ts', '', 'the name says nothing'],
    ['a helper', 'src/core/model/helpers.ts', '', 'the name says nothing'],
    ['utils', 'src/core/model/utils.ts', '', 'the name says nothing'],
    ['a file in no room', 'src/things/a.ts', '', 'belongs to no room'],
    ['a file beside main', 'src/things.ts', '', 'belongs to no room'],
    [
      'a wing → what main prints',
      'src/api/a.ts',
      `import { banner } from '../development/banner.ts'`,
      'api may not import development',
    ],
    ['out of src', 'src/core/model/a.ts', `import { a } from '../../../test/a.ts'`, 'outside of src'],
    ['a file that imports itself', 'src/core/model/a.ts', `import { a } from './a.ts'`, 'imports itself'],
  ])('%s', (_name, path, source, fault) => {
    expect(violationsIn(new Map([[path, source]]))).toEqual([expect.stringContaining(fault)])
  })

  it('a cycle over three files, told once', () => {
    const sources = new Map([
      ['src/core/model/a.ts', `import { b } from './b.ts'`],
      ['src/core/model/b.ts', `import type { C } from './c.ts'`],
      ['src/core/model/c.ts', `export { a } from './a.ts'`],
      ['src/core/model/d.ts', `import { a } from './a.ts'`],
    ])
    expect(violationsIn(sources)).toEqual([
      'src/core/model/a.ts: imports itself: src/core/model/a.ts → src/core/model/b.ts → src/core/model/c.ts → src/core/model/a.ts',
    ])
  })
})

describe('a file of the house in the wrong room', () => {
  /** The sources with one file moved, its imports leading to the same files as before. */
  async function moved(from: string, to: string): Promise<Sources> {
    const sources = new Map(await ownSources())
    const source = sources.get(from)!.replace(/'(\.\.?\/[^']+)'/g, (_, specifier: string) => {
      const target = posix.relative(posix.dirname(to), posix.join(posix.dirname(from), specifier))
      return `'${target.startsWith('.') ? target : `./${target}`}'`
    })
    sources.delete(from)
    return sources.set(to, source)
  }

  it.each([
    ['src/core/delivery/feed.ts', 'src/core/publishing/feed.ts', 'may not import core/delivery'],
    ['src/core/publishing/publisher.ts', 'src/core/delivery/publisher.ts', 'may not import core/publishing'],
    ['src/sockets/tab-connection.ts', 'src/core/session/tab-connection.ts', 'core may not import'],
    ['src/core/session/enter.ts', 'src/core/access/enter.ts', 'core/access may not import core/session'],
    ['src/api/routes/notify.ts', 'src/api/http/notify.ts', 'api/http may not import api/auth'],
    ['src/engines/redis/broker.ts', 'src/engines/embedded/broker-2.ts', 'one engine may not import another'],
    ['src/process/log.ts', 'src/log.ts', 'belongs to no room'],
  ])('%s as %s', async (from, to, fault) => {
    const violations = violationsIn(await moved(from, to))
    expect(violations).toContainEqual(expect.stringMatching(`^${to}: .*${fault}`))
  })

  it('one file too many in a folder', () => {
    const files = (count: number) =>
      new Map(Array.from({ length: count }, (_, index) => [`src/bridges/${index}.ts`, '']))
    expect(violationsIn(files(15))).toEqual([])
    expect(violationsIn(files(16))).toEqual(['src/bridges: 16 files, more than 15'])
  })
})

describe('reading imports', () => {
  it('sees every form, over several lines, and what brings in types only', () => {
    const source = `
      import a from 'a'
      import * as b from "b"
      import {
        c, // a 'comment' from 'nowhere'
        type C,
      } from 'c'
      import type { D } from 'd'
      import { type E, type F } from 'e'
      export { f } from 'f'
      export type { G } from 'g'
      import type from 'h'
      import json from './i.json' with { type: 'json' }
      const quote = /['"]/
      export const from = 'nowhere'
      export const list = ['x'], more = Array.from('y')
      import 'j'
      const k = await import('k')
      let l: typeof import('l')
    `
    const seen = importsOf(source)
    const names = (typeOnly: boolean) =>
      seen.filter((found) => found.typeOnly === typeOnly).map(({ specifier }) => specifier)
    expect(names(false)).toEqual(['a', 'b', 'c', 'f', 'h', './i.json', 'j', 'k'])
    expect(names(true)).toEqual(['d', 'e', 'g', 'l'])
  })

  it('takes comments out, and nothing else', () => {
    expect(codeOf(`a /* b */ c // d\n'/* e */' "//f" \`// g\` h = /\\/\\//`)).toBe(
      `a   c  \n'/* e */' "//f" \`// g\` h = /\\/\\//`,
    )
  })
})
