import { type Posted, type PostTarget, postAll, requestsFor } from './http-posts.ts'
import { postAtRate, type Scheduled } from './open-loop.ts'
import { type Pressed, press } from './press.ts'
import type { TabTarget } from './protocols.ts'
import { type Expected, type Listening, type Samples, TabGroup } from './tab-group.ts'

/** Posts to users in turn. */
export interface Posting {
  target: PostTarget
  users: readonly string[]
  connections: number
}

const groups = new Map<string, TabGroup>()

function groupOf(name: string): TabGroup {
  const group = groups.get(name) ?? new TabGroup()
  groups.set(name, group)
  return group
}

/** What a load process does when it is asked to; the arguments and answers are cloned on their way. */
export const jobs = {
  /** Opens tabs of a group; they are added to those that it has. */
  async open(job: { group: string; targets: TabTarget[]; concurrency: number }) {
    return groupOf(job.group).open(job.targets, job.concurrency)
  },
  async close(job: { group: string }): Promise<void> {
    groupOf(job.group).close()
  },
  async listen(job: { group: string } & Listening): Promise<void> {
    groupOf(job.group).listen(job)
  },
  async heard(job: { group: string } & Expected): Promise<number> {
    return groupOf(job.group).heard(job)
  },
  async samples(job: { group: string }): Promise<Samples> {
    return groupOf(job.group).samples()
  },
  async positions(job: { group: string }): Promise<string[]> {
    return groupOf(job.group).positions()
  },
  async text(job: { group: string }): Promise<string> {
    return groupOf(job.group).text()
  },
  async post(job: Posting & { posts: number }): Promise<Posted> {
    return postAll(job.target.port, requestsFor(job.target, job.users), job.posts, job.connections)
  },
  async postAtRate(job: Posting & { rate: number; seconds: number }): Promise<Scheduled> {
    const requests = requestsFor(job.target, job.users)
    return postAtRate(job.target.port, requests, job.rate, job.seconds, job.connections)
  },
  async press(job: Posting & { seconds: number }): Promise<Pressed> {
    return press(job.target.port, requestsFor(job.target, job.users), job.connections, job.seconds)
  },
}
