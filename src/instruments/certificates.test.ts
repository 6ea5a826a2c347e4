import { X509Certificate } from 'node:crypto'
import { expect, test } from 'vitest'
import { makeAuthority, makeCertificate } from './certificates.ts'

const authority = makeAuthority('An authority')

test('a certificate is signed by its authority and names whom it is for', () => {
  const made = makeCertificate({ name: 'acme-agent', unit: 'acme', hosts: ['localhost', '127.0.0.1'], by: authority })
  const read = new X509Certificate(made.cert)
  expect(read.subject).toBe('OU=acme\nCN=acme-agent')
  expect(read.issuer).toBe('CN=An authority')
  expect(read.subjectAltName).toBe('DNS:localhost, IP Address:127.0.0.1')
  expect(read.verify(new X509Certificate(authority.cert).publicKey)).toBe(true)
  expect(read.ca).toBe(false)
  expect(new X509Certificate(authority.cert).ca).toBe(true)
})

test('a certificate lives as long as it is asked to', () => {
  const read = new X509Certificate(makeCertificate({ name: 'late', from: -7_200, to: -3_600 }).cert)
  expect(Date.parse(read.validTo)).toBeLessThan(Date.now())
  expect(Date.parse(read.validTo) - Date.parse(read.validFrom)).toBe(3_600_000)
})

test('a certificate without an authority vouches for itself', () => {
  const read = new X509Certificate(makeCertificate({ name: 'alone' }).cert)
  expect(read.issuer).toBe(read.subject)
  expect(read.verify(read.publicKey)).toBe(true)
})
