import type { Client, ParsedKey } from 'ssh2'
import protocol from 'ssh2/lib/protocol/utils.js'
import { wireReader, wireString } from './agent.ts'

/**
 * ssh2 1.17 can't log in with an OpenSSH certificate: it names one algorithm both for the key and for the signature,
 * where a certificate's signature carries the name of the plain algorithm (PROTOCOL.certkeys in OpenSSH). So a
 * certified key is the plain key under the certificate's type and blob, and the last packet is put together here.
 */
interface CertifiedKey extends ParsedKey {
  readonly signatureAlgorithm: string
}

const CERTIFIED = /^(.+)-cert-v01@openssh\.com$/

/** Key type of what is certified, or undefined for a blob that is no certificate. */
export function certifiedType(blob: Buffer): string | undefined {
  return CERTIFIED.exec(wireReader(blob).string().toString('latin1'))?.[1]
}

/** The blob of a `KEY-cert.pub` file. */
export function parseCertificate(text: string): Buffer | undefined {
  const [type, base64] = text.trim().split(/\s+/)
  if (type === undefined || base64 === undefined || !CERTIFIED.test(type)) return undefined
  return Buffer.from(base64, 'base64')
}

/** A user certificate holds the fields of the public key after a nonce: where they agree, it is this key's. */
export function certifies(blob: Buffer, plainBlob: Buffer): boolean {
  const plain = wireReader(plainBlob)
  const type = plain.string().toString('latin1')
  if (certifiedType(blob) !== type) return false
  const certificate = wireReader(blob)
  certificate.string()
  certificate.string()
  const fields = { 'ssh-rsa': 2, 'ssh-ed25519': 1 }[type] ?? (type.startsWith('ecdsa-') ? 2 : 0)
  return fields > 0 && Array.from({ length: fields }).every(() => plain.string().equals(certificate.string()))
}

/** `plain` is only asked to be a parsed key; `getPublicSSH` and `type` are the certificate's. */
export function certifiedKey(blob: Buffer, plain: ParsedKey): ParsedKey {
  const type = certifiedType(blob) ?? ''
  // RSA signs with SHA-512 here; every sshd since 7.2 takes it, and the name of the key says so too (RFC 8332).
  const signatureAlgorithm = type === 'ssh-rsa' ? 'rsa-sha2-512' : type
  return Object.create(plain, {
    type: { value: `${signatureAlgorithm}-cert-v01@openssh.com` },
    signatureAlgorithm: { value: signatureAlgorithm },
    getPublicSSH: { value: () => blob },
  }) as ParsedKey
}

/** Hash that the key's signature needs, where its type does not say. */
export function certifiedHash(key: ParsedKey): string | undefined {
  return isCertified(key) && key.signatureAlgorithm === 'rsa-sha2-512' ? 'sha512' : undefined
}

function isCertified(key: unknown): key is CertifiedKey {
  return typeof key === 'object' && key !== null && 'signatureAlgorithm' in key
}

type Sign = (data: Buffer, done: (signature: Buffer) => void) => void

/** What is used of ssh2's own, unpublished Protocol; a test logs in with certificates, so a change is noticed. */
interface Protocol {
  authPK(user: string, key: unknown, algorithm?: string | Sign, sign?: Sign): void
  readonly _authsQueue: string[]
  readonly _packetRW: {
    readonly write: {
      readonly allocStart: number
      alloc(bytes: number): Buffer
      finalize(packet: Buffer): Buffer
    }
  }
}

/** Teaches one connection to log in with certified keys. To be called right after `connect()`. */
export function allowCertifiedKeys(client: Client): void {
  const { _protocol: ssh } = client as unknown as { readonly _protocol: Protocol }
  const plainAuth = ssh.authPK.bind(ssh)
  ssh.authPK = (user, key, algorithm, sign) => {
    const signer = typeof algorithm === 'function' ? algorithm : sign
    if (!isCertified(key) || signer === undefined) return plainAuth(user, key, algorithm, sign)
    plainAuth(user, key, (data) => {
      signer(data, (signature) => {
        // What is signed is the session's id, then the very request that is sent: RFC 4252, section 7.
        const request = data.subarray(4 + data.readUInt32BE(0))
        const converted = protocol.convertSignature(signature, key.signatureAlgorithm)
        if (!Buffer.isBuffer(converted)) throw new Error('the signature can not be converted')
        const signed = wireString(Buffer.concat([wireString(key.signatureAlgorithm), wireString(converted)]))
        const { write } = ssh._packetRW
        const start = write.allocStart
        const packet = write.alloc(request.length + signed.length)
        packet.set(request, start)
        packet.set(signed, start + request.length)
        ssh._authsQueue.push('publickey')
        protocol.sendPacket(ssh, write.finalize(packet))
      })
    })
  }
}
