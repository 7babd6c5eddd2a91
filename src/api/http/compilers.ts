import { SerializerSelector } from '@fastify/fast-json-stringify-compiler'

/**
 * Makes the functions that write answers. Most routes share most of their answers, so each schema is compiled once: compiling is most of
 * what a start takes.
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
