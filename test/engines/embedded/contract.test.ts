import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EngineOptions } from '../../../src/core/engine/engine.ts'
import { createEmbeddedEngine } from '../../../src/engines/embedded/engine.ts'
import { engineContract, type Store } from '../../contract/engine-contract.ts'

async function makeStore(durability: 'process' | 'power'): Promise<Store> {
  const dir = await mkdtemp(join(tmpdir(), 'tabcast-embedded-'))
  const path = join(dir, 'made', 'on demand', 'tabcast.db')
  let last: EngineOptions
  const open = (options: EngineOptions) => {
    last = options
    return createEmbeddedEngine({ ...options, path, durability })
  }
  return {
    open,
    async restart(engine) {
      await engine.close()
      return open(last)
    },
    async wipe(engine) {
      await engine.close()
      await rm(join(dir, 'made'), { recursive: true })
      return open(last)
    },
    stop: () => rm(dir, { recursive: true, force: true }),
  }
}

async function makeMemory(): Promise<Store> {
  const open = (options: EngineOptions) =>
    createEmbeddedEngine({ ...options, path: ':memory:', durability: 'process' })
  let last: EngineOptions
  return {
    open(options) {
      last = options
      return open(options)
    },
    async wipe(engine) {
      await engine.close()
      return open(last)
    },
    stop: async () => {},
  }
}

engineContract('embedded', () => makeStore('process'), { shared: false, restart: true })
engineContract('embedded, safe from power cuts', () => makeStore('power'), {
  shared: false,
  restart: true,
  short: true,
})
engineContract('embedded, in memory', makeMemory, { shared: false, restart: false, short: true })
