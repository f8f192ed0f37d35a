import { inject } from 'vitest'

/** Pulled from their vendors, not made here. */
export const VENDOR_IMAGES = ['sqlserver', 'oracle'] as const
export const IMAGES = ['mysql', 'postgres', 'ceph', 'moto', ...VENDOR_IMAGES] as const
export type ImageName = (typeof IMAGES)[number]

declare module 'vitest' {
  interface ProvidedContext {
    /** References of the images that are on this machine. */
    images: Readonly<Partial<Record<ImageName, string>>>
    /** Names this run of the tests: see RUN_LABEL. */
    testRun: string
  }
}

export function imageOf(name: ImageName): string {
  const reference = inject('images')[name]
  if (reference === undefined)
    throw new Error(`no image '${name}': the test should have said what it requires`)
  return reference
}
