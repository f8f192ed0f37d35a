import { describe, expect, test } from 'vitest'
import { classify } from '../../../src/aws/classify.ts'
import type { Fault } from '../../../src/core/cloud-fault.ts'

/** As the SDK makes them: a name, and what the answer was. */
function answered(name: string, message = name, httpStatusCode = 400): Error {
  return Object.assign(new Error(message), { name, $metadata: { httpStatusCode } })
}

/** As Node makes them. */
function network(code: string): Error {
  return Object.assign(new Error(code), { code, $metadata: { attempts: 1 } })
}

const NAMES: Readonly<Record<Fault, readonly string[]>> = {
  throttled: [
    'Throttling',
    'ThrottlingException',
    'ThrottledException',
    'RequestLimitExceeded',
    'SlowDown',
    'TooManyRequestsException',
  ],
  unavailable: [
    'InternalFailure',
    'ServiceUnavailable',
    'InternalError',
    'KMSInternalException',
    'DependencyTimeoutException',
  ],
  busy: ['DBInstanceNotReadyFault', 'PriorRequestNotComplete', 'ConcurrentModification', 'IncorrectState'],
  denied: [
    'AccessDenied',
    'AccessDeniedException',
    'UnauthorizedOperation',
    'AuthFailure',
    'InvalidClientTokenId',
    'UnrecognizedClientException',
    'ExpiredToken',
    'ExpiredTokenException',
    'RequestExpired',
    'SignatureDoesNotMatch',
    'InvalidSignatureException',
    'IncompleteSignature',
    'MissingAuthenticationToken',
    'OptInRequired',
    'NotAuthorizedException',
    'CredentialsProviderError',
  ],
  'not-found': [
    'DBInstanceNotFoundFault',
    'DBInstanceNotFound',
    'DBSnapshotNotFoundFault',
    'GlobalClusterNotFoundFault',
    'OptionGroupNotFoundFault',
    'InvalidGroup.NotFound',
    'InvalidSubnetID.NotFound',
    'NoSuchHostedZone',
    'NoSuchEntityException',
    'NotFoundException',
  ],
  exists: [
    'DBSnapshotAlreadyExistsFault',
    'DBInstanceAlreadyExistsFault',
    'DBInstanceAlreadyExists',
    'AlreadyExistsException',
    'EntityAlreadyExistsException',
    'InvalidGroup.Duplicate',
    'InvalidPermission.Duplicate',
  ],
  capacity: [
    'InsufficientDBInstanceCapacityFault',
    'InsufficientDBInstanceCapacity',
    'InsufficientDBClusterCapacityFault',
    'InsufficientStorageClusterCapacityFault',
    'InsufficientAvailableIPsInSubnetFault',
    'ProvisionedIopsNotAvailableInAZFault',
    'StorageTypeNotAvailableFault',
  ],
  quota: [
    'SnapshotQuotaExceededFault',
    'SnapshotQuotaExceeded',
    'InstanceQuotaExceededFault',
    'StorageQuotaExceededFault',
    'LimitExceededException',
    'LimitsExceeded',
    'RulesPerSecurityGroupLimitExceeded',
    'TooManyHostedZones',
  ],
  key: [
    'KMSKeyNotAccessibleFault',
    'KMSInvalidStateException',
    'DisabledException',
    'KeyUnavailableException',
    'InvalidKeyUsageException',
  ],
  invalid: [
    'InvalidParameterCombination',
    'InvalidParameterValue',
    'ValidationError',
    'InvalidInput',
    'DBSubnetGroupDoesNotCoverEnoughAZs',
  ],
}

describe('what a failure is', () => {
  test.each(Object.entries(NAMES).flatMap(([fault, names]) => names.map((name) => [name, fault] as const)))(
    '%s is %s',
    (name, fault) => {
      expect(classify(answered(name))).toBe(fault)
    },
  )

  test.each([
    [
      'InvalidDBInstanceStateFault',
      'DB Instance is not available for the operation, it is backing-up',
      'busy',
    ],
    ['InvalidDBInstanceState', 'Instance shop is currently modifying', 'busy'],
    ['InvalidDBInstanceState', 'Instance must be available', 'busy'],
    ['InvalidDBSnapshotStateFault', 'Cannot copy from a snapshot that is creating', 'busy'],
    ['InvalidDBClusterStateFault', 'cluster is not in available state', 'busy'],
    ['InvalidDBInstanceStateFault', 'DB Instance is not a read replica', 'invalid'],
    ['InvalidDBInstanceStateFault', 'Instance shop is in stopped state', 'invalid'],
    ['InvalidDBInstanceState', 'state inaccessible-encryption-credentials', 'invalid'],
    [
      'InvalidParameterCombination',
      'Cannot delete protected DB Instance, please disable deletion protection',
      'invalid',
    ],
    ['InvalidVPCNetworkStateFault', 'DB subnet group does not cover all zones', 'invalid'],
    ['InvalidParameterValue', 'The parameter KmsKeyId is not valid', 'key'],
    ['InvalidParameterCombination', 'Invalid KMS key', 'key'],
    [
      'InvalidChangeBatch',
      "[Tried to create resource record set [name='a.', type='CNAME'] but it already exists]",
      'exists',
    ],
    [
      'InvalidChangeBatch',
      "[Tried to delete resource record set [name='a.', type='CNAME'] but it was not found]",
      'invalid',
    ],
    [
      'InvalidChangeBatch',
      "[Tried to delete resource record set [name='a.', type='CNAME'] but it was not found, Tried to create resource record set [name='a.', type='CNAME'] but it already exists]",
      'invalid',
    ],
  ] as const)('%s: %s', (name, message, fault) => {
    expect(classify(answered(name, message))).toBe(fault)
  })

  test.each([
    [503, 'unavailable'],
    [500, 'unavailable'],
    [408, 'unavailable'],
    [429, 'throttled'],
    [403, 'denied'],
    [401, 'denied'],
    [200, 'unavailable'],
    [302, 'unavailable'],
    [404, 'invalid'],
  ] as const)('an answer of %i that says nothing is %s', (status, fault) => {
    expect(classify(answered('Unknown', 'UnknownError', status))).toBe(fault)
  })

  test('the name counts before the status', () => {
    expect(classify(answered('SlowDown', 'slow down', 503))).toBe('throttled')
    expect(classify(answered('InsufficientInstanceCapacity', 'none', 500))).toBe('capacity')
    expect(classify(answered('ThrottlingException', 'slow', 500))).toBe('throttled')
  })

  test.each([
    'ECONNREFUSED',
    'ECONNRESET',
    'ENOTFOUND',
    'EAI_AGAIN',
    'EHOSTUNREACH',
    'EPIPE',
    'CERT_HAS_EXPIRED',
  ])('%s is no answer', (code) => {
    expect(classify(network(code))).toBe('unavailable')
  })

  test('several addresses that all refuse are no answer', () => {
    const thrown = Object.assign(new AggregateError([network('ECONNREFUSED')]), { code: 'ECONNREFUSED' })
    expect(classify(thrown)).toBe('unavailable')
  })

  test('a defect of ours is no fault of the cloud', () => {
    expect(classify(new TypeError('x is not a function'))).toBeUndefined()
    expect(classify('text')).toBeUndefined()
  })
})
