import { expect, it } from 'vitest';
import { loadOnnx } from '../src/onnx.js';
import { type Fields, floats, inFolder, info, model, node, write } from './test-model.js';

function outputsOf(graph: Fields): string[] {
  const { program } = inFolder((folder) => loadOnnx(write(folder, model({ input: [info('x', [1, 4])], ...graph }))));
  return program.outputs.map((tensor) => program.tensors[tensor].name);
}

const asked = (...names: string[]): Fields[] => names.map((name) => info(name, [1, 4]));

it('keeps the names of outputs that are views, inputs, constants, or the same values twice', () => {
  const relu = node('Relu', ['x'], ['t']);
  expect(outputsOf({ node: [relu, node('Identity', ['t'], ['y'])], output: asked('y') })).toEqual(['y']);
  expect(outputsOf({ node: [relu, node('Identity', ['t'], ['y'])], output: asked('y', 't') })).toEqual(['y', 't']);
  expect(outputsOf({ node: [node('Identity', ['x'], ['y'])], output: asked('y') })).toEqual(['y']);
  expect(
    outputsOf({ node: [node('Identity', ['c'], ['y'])], initializer: [floats('c', [1, 4], [1, 2, 3, 4])], output: asked('y') }),
  ).toEqual(['y']);
});

it('keeps the name of an output that a node is named after', () => {
  expect(
    outputsOf({ node: [node('Relu', ['x'], ['t'], { name: 'y' }), node('Sigmoid', ['t'], ['y'], { name: 't' })], output: asked('y') }),
  ).toEqual(['y']);
});
