import { until } from '../until.ts'

/** Waits until so many processes share the port: one that has just started takes connections while the others are still on their way. */
export const hasWorkers = ({ url }: { url: string }, count: number): Promise<void> =>
  until(
    async () => (await (await fetch(`${url}/metrics`)).text()).includes(`\ntabcast_workers ${count}\n`),
    60_000,
    100,
  )
