/** What is done in forks, whoever does it: real commands in mounted directories, or calls to a file system. */
import { Context, type Effect, Schema } from "effect"
import type { Choice } from "./choice.ts"
import type { Source } from "./source.ts"

/** It could not be begun, or did not end well. */
export class TaskFailed extends Schema.TaggedError<TaskFailed>()("TaskFailed", {
  task: Schema.String,
  how: Schema.String,
  /** In the words of the one who refused it. */
  said: Schema.String
}) {
  override get message() {
    return `${this.task} ${this.how}: ${this.said}`
  }
}

export interface Task {
  readonly title: string
  /** Does it in this directory; answers what is to be said of it. */
  readonly perform: (directory: string) => Effect.Effect<string, TaskFailed>
}

export class Tasks extends Context.Service<Tasks, {
  /** Copies the source. `onNames` is told how many names have come, each time some have. */
  readonly copy: (source: Source, onNames: (count: number) => void) => Task
  /** Edits three files, adds one and removes a directory. */
  readonly edit: (choice: Choice) => Task
  /** Keeps the contents of up to 300 files. */
  readonly record: (choice: Choice) => Task
  /** What nobody wants to happen to the only copy. */
  readonly wreck: Task
  /** Fails when half of it is done. */
  readonly build: Task
  /** Makes a file, where that is allowed. */
  readonly write: Task
}>()("@snapshotter/examples/Tasks") {}
