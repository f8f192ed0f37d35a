import type { EngineContext } from '../../core/engine.ts'
import { findPostgresTool, missingTool, type Tool, type ToolName } from './tools.ts'

/** Looks each tool up once. */
export interface Toolbox {
  find(name: ToolName, signal: AbortSignal): Promise<Tool | undefined>
  /** Throws `tool-missing` where there is none. */
  get(name: ToolName, signal: AbortSignal): Promise<Tool>
}

export function createToolbox(context: EngineContext): Toolbox {
  const found = new Map<ToolName, Tool>()
  async function find(name: ToolName, signal: AbortSignal): Promise<Tool | undefined> {
    const tool = found.get(name) ?? (await findPostgresTool(name, context, signal))
    if (tool !== undefined) found.set(name, tool)
    return tool
  }
  return {
    find,
    async get(name, signal) {
      const tool = await find(name, signal)
      if (tool === undefined) throw missingTool(name)
      return tool
    },
  }
}
