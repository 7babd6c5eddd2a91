/** Replaces the module of the mutation in processes that a test starts: `node --import` of this file, by NODE_OPTIONS. */
import { registerHooks } from 'node:module'
import { mutated } from './mutations.ts'

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context)
    if (!url.includes('/src/') || loaded.source === undefined || loaded.source === null) return loaded
    return { ...loaded, source: mutated(url, loaded.source.toString()) }
  },
})
