import type { ModelNode, Values } from '@regrain/core-ir';
import { wrong } from './lowering.js';

/** An integer or float attribute. */
export function number(node: ModelNode, name: string, byDefault: number): number {
  const value = node.attributes[name];
  if (value === undefined) return byDefault;
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value);
  throw wrong(node, `attribute ${name} must be a number`);
}

export function numbers(node: ModelNode, name: string): number[] | undefined;
export function numbers(node: ModelNode, name: string, byDefault: readonly number[]): number[];
export function numbers(node: ModelNode, name: string, byDefault?: readonly number[]): number[] | undefined {
  const value = node.attributes[name];
  if (value === undefined) return byDefault && [...byDefault];
  if (typeof value === 'object' && value !== null && Symbol.iterator in value) return Array.from(value as Iterable<number>, Number);
  throw wrong(node, `attribute ${name} must be a list of numbers`);
}

export function text(node: ModelNode, name: string, byDefault: string): string {
  const value = node.attributes[name];
  if (value === undefined) return byDefault;
  if (typeof value === 'string') return value;
  throw wrong(node, `attribute ${name} must be a string`);
}

export function flag(node: ModelNode, name: string, byDefault = false): boolean {
  return number(node, name, byDefault ? 1 : 0) !== 0;
}

/** A tensor attribute, as the driver decodes it. */
export function tensor(node: ModelNode, name: string): Values | undefined {
  const value = node.attributes[name];
  if (value === undefined) return undefined;
  if (typeof value === 'object' && value !== null && 'shape' in value && 'data' in value) return value as Values;
  throw wrong(node, `attribute ${name} must be a tensor`);
}
