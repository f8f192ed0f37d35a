import { z } from 'zod'
import { configSchema } from './schema.ts'

/** For editors: docs/lifeboat.schema.json is this, and a test holds it to it. */
export function configJsonSchema(): object {
  return { ...z.toJSONSchema(configSchema, { io: 'input' }), title: 'lifeboat.yaml' }
}
