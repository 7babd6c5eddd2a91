import calculateSlot from 'cluster-key-slot'
import { Cluster, type Redis } from 'ioredis'

/** The most numbers that are tried: enough to find even a master with a single slot. */
const MOST_NAMES = 200_000

/** The names of the nodes that serve each slot of a Cluster, the master's first. */
type Slots = readonly (readonly string[] | undefined)[]

/** The map by which ioredis itself routes commands; it has no public name. */
const slotsOf = (cluster: Cluster): Slots => (cluster as unknown as { slots: Slots }).slots

/** The name of a node in the map of slots. */
export const nameOf = ({ options }: Redis): string => `${options.host}:${options.port}`

/** The master that serves a key, and its name; undefined while no node does. */
export function masterOf(cluster: Cluster, key: string): { name: string; node: Redis } | undefined {
  const name = slotsOf(cluster)[calculateSlot(key)]?.[0]
  const node = cluster.nodes('master').find((master) => nameOf(master) === name)
  return name === undefined || node === undefined ? undefined : { name, node }
}

/**
 * Creates a function that returns one number for each master of a Cluster: the master serves the key that `keyOf` makes of its number. A
 * master keeps its number as long as it serves that key. A single server has the number 0.
 */
export function createLanes(client: Redis | Cluster, keyOf: (lane: number) => string): () => number[] {
  if (!(client instanceof Cluster)) return () => [0]
  const lanes = new Map<string, number>()
  return () => {
    const slots = slotsOf(client)
    const homeOf = (lane: number): string | undefined => slots[calculateSlot(keyOf(lane))]?.[0]
    const masters = new Set(slots.flatMap((nodes) => nodes?.[0] ?? []))
    for (const [master, lane] of lanes)
      if (!masters.has(master) || homeOf(lane) !== master) lanes.delete(master)
    for (let lane = 0; lanes.size < masters.size && lane < MOST_NAMES; lane++) {
      const home = homeOf(lane)
      if (home !== undefined && !lanes.has(home)) lanes.set(home, lane)
    }
    return [...lanes.values()]
  }
}

let tags: string[] | undefined

/** A hash tag whose keys are in this slot of a Cluster (0 to 16383), always the same one. */
export function tagOf(slot: number): string {
  tags ??= tagOfEverySlot()
  return tags[slot]!
}

function tagOfEverySlot(): string[] {
  const found: string[] = []
  for (let number = 0, missing = 16384; missing > 0; number++) {
    const tag = number.toString(36)
    const slot = calculateSlot(tag)
    if (found[slot] !== undefined) continue
    found[slot] = tag
    missing--
  }
  return found
}
