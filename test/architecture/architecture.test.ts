import { readdir, readFile } from 'node:fs/promises'
import { join, sep } from 'node:path'
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
      `import fastify from 'fastify'\nimport jwt from '@fastify/jwt'\nimport { a } from '../core/a.ts'`,
    ],
    ['sockets: Socket.IO', 'src/sockets/a.ts', `import { Server } from 'socket.io'`],
    ['the Redis engine: ioredis', 'src/engines/redis/a.ts', `import { Redis } from 'ioredis'`],
    ['main → cluster', 'src/main.ts', `import { a } from './cluster/a.ts'`],
    ['app → cluster', 'src/app.ts', `import { a } from './cluster/a.ts'`],
    [
      'cluster → core',
      'src/cluster/a.ts',
      `import { a } from '../core/a.ts'\nimport cluster from 'node:cluster'`,
    ],
    ['doors: ioredis', 'src/doors/a.ts', `import { Redis } from 'ioredis'`],
    [
      'webhooks: how they are signed and sent',
      'src/webhooks/a.ts',
      `import { Webhook } from 'standardwebhooks'\nimport { useAgent } from 'request-filtering-agent'\nimport { a } from '../core/a.ts'`,
    ],
    [
      'create-engine → both',
      'src/engines/create-engine.ts',
      `import { a } from './redis/a.ts'\nimport { b } from './embedded/b.ts'`,
    ],
    [
      'client → types of core',
      'src/client/a.ts',
      `import type { A } from '../core/a.ts'\nimport { io } from 'socket.io-client'`,
    ],
    ['a second file of config', 'src/config/keys.ts', `import { a } from '../core/a.ts'`],
    [
      'a vendor described',
      'src/engines/redis/a.d.ts',
      `declare module 'a' { export default function a(): void }`,
    ],
    [
      'words in a comment or a string',
      'src/core/a.ts',
      `// import 'ioredis', process.env\nconst a = "process.exit in '/*'" /* export default */`,
    ],
    ['a member called import', 'src/core/a.ts', `job.import('ioredis')`],
  ])('%s', (_name, path, source) => {
    expect(violationsIn(new Map([[path, source]]))).toEqual([])
  })
})

describe('each rule can fail', () => {
  it.each([
    ['main → core', 'src/main.ts', `import { a } from './core/a.ts'`, 'main may not import core'],
    [
      'core → an engine',
      'src/core/a.ts',
      `import { a } from '../engines/redis/a.ts'`,
      'core may not import engines',
    ],
    [
      'core → a package',
      'src/core/a.ts',
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
      'doors → engines',
      'src/doors/a.ts',
      `await import('../engines/redis/a.ts')`,
      'doors may not import engines',
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
      `import type { Config } from '../config.ts'`,
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
      `import { a, type B } from '../core/a.ts'`,
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
    ['an exit', 'src/core/a.ts', `process.exit(1)`, 'has signals and exit'],
    ['a barrel', 'src/core/a.ts', `export * from './b.ts'`, 'has a barrel'],
    ['a barrel with a name', 'src/core/a.ts', `export * as b from './b.ts'`, 'has a barrel'],
    ['a default export', 'src/core/a.ts', `export default class {}`, 'has a default export'],
    ['a default export by name', 'src/core/a.ts', `export { a as default }`, 'has a default export'],
    ['a long file', 'src/core/a.ts', '\n'.repeat(300).concat('x'), '301 lines'],
    ['a long script of a page', 'src/pages/a.js', '\n'.repeat(300).concat('x'), '301 lines'],
    ['a manager', 'src/core/room-manager.ts', '', 'the name says nothing'],
    ['a service', 'src/core/roomService.ts', '', 'the name says nothing'],
    ['a helper', 'src/core/helpers.ts', '', 'the name says nothing'],
    ['utils', 'src/core/utils.ts', '', 'the name says nothing'],
    ['a file in no room', 'src/things/a.ts', '', 'belongs to no room'],
    ['a file beside main', 'src/things.ts', '', 'belongs to no room'],
    [
      'a wing → a part of main',
      'src/api/a.ts',
      `import { banner } from '../banner.ts'`,
      'api may not import main',
    ],
    ['out of src', 'src/core/a.ts', `import { a } from '../../test/a.ts'`, 'outside of src'],
    ['a file that imports itself', 'src/core/a.ts', `import { a } from './a.ts'`, 'imports itself'],
  ])('%s', (_name, path, source, fault) => {
    expect(violationsIn(new Map([[path, source]]))).toEqual([expect.stringContaining(fault)])
  })

  it('a cycle over three files, told once', () => {
    const sources = new Map([
      ['src/core/a.ts', `import { b } from './b.ts'`],
      ['src/core/b.ts', `import type { C } from './c.ts'`],
      ['src/core/c.ts', `export { a } from './a.ts'`],
      ['src/core/d.ts', `import { a } from './a.ts'`],
    ])
    expect(violationsIn(sources)).toEqual([
      'src/core/a.ts: imports itself: src/core/a.ts → src/core/b.ts → src/core/c.ts → src/core/a.ts',
    ])
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
