/** Replaces the module of the mutation in processes that a test starts: `node --import` of this file, by NODE_OPTIONS. */
import { registerHooks } from 'node:module'
import { mutated, mutations } from './mutations.ts'

const mutation = mutations[Number(process.env.MUTATION)]
if (mutation === undefined) throw new Error('MUTATION is the index of no mutation')

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context)
    if (!url.includes('/src/') || loaded.source === undefined || loaded.source === null) return loaded
    return { ...loaded, source: mutated(mutation, url, loaded.source.toString()) }
  },
})
