import { join } from 'node:path'

/** This process among those of one machine that listen on the same port. */
export interface WorkerProcess {
  /** The id of the process, which is part of the ids of its engine sessions; the next one in its slot has another. */
  id: number
  /** 1, 2, 3 …, for people and metrics. */
  slot: number
  /** The folder in which every process of this installation, and nobody else, has its socket. */
  folder: string
}

const SOCKET_FILE = /^(\d+)\.sock$/

/** The path of the Unix socket over which a process receives what its siblings pass on to it. */
export const socketPathOf = (folder: string, id: number): string => join(folder, `${id}.sock`)

/** The process whose socket a file of the folder is; undefined for any other file. */
export function idOfSocketPath(file: string): number | undefined {
  const id = SOCKET_FILE.exec(file)?.[1]
  return id === undefined ? undefined : Number(id)
}
