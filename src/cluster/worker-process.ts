import { join } from 'node:path'

/** This process among those of one machine that listen on the same port. */
export interface WorkerProcess {
  /** Names the process, and its sessions; one that takes over its slot has another. */
  id: number
  /** 1, 2, 3 …, for people and metrics. */
  slot: number
  /** A folder of this installation only, in which every process has its side door. */
  folder: string
}

const SOCKET_FILE = /^(\d+)\.sock$/

/** The Unix socket at which a process hears what its siblings pass on to it. */
export const socketPathOf = (folder: string, id: number): string => join(folder, `${id}.sock`)

/** Whose side door a file of the folder is; undefined if it is none. */
export function idOfSocketPath(file: string): number | undefined {
  const id = SOCKET_FILE.exec(file)?.[1]
  return id === undefined ? undefined : Number(id)
}
