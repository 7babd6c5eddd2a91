import { SerializerSelector } from '@fastify/fast-json-stringify-compiler'

/**
 * Makes the factory of the functions that write answers, for Fastify's `buildSerializer`. Routes share most of their answers, so each schema
 * is compiled once: compiling takes most of the time of a start.
 */
export function createSerializers(): ReturnType<typeof SerializerSelector> {
  const select = SerializerSelector()
  return (externalSchemas, options) => {
    const compile = select(externalSchemas, options)
    const compiled = new Map<string, ReturnType<typeof compile>>()
    return (route) => {
      const key = JSON.stringify(route.schema)
      const known = compiled.get(key)
      if (known !== undefined) return known
      const serialize = compile(route)
      compiled.set(key, serialize)
      return serialize
    }
  }
}
