import { z } from 'zod'

export const text = z.string()
export const whole = z.number()
export const flag = z.boolean()
export const texts = z.array(z.string())
export const tags = z.record(z.string(), z.string())
export const maybe = z.exactOptional
/** JSON has no dates: they are stored as text. */
export const date = z.iso.datetime().transform((stored) => new Date(stored))

type Shape<T> = { readonly [Key in keyof Required<T>]: z.ZodType<T[Key], unknown> }

/** Every key of T is in it, the optional ones too: what a port learns to say, a record must learn to keep. */
export function objectOf<T>() {
  return <S extends Shape<T>>(shape: S) => z.object(shape)
}
