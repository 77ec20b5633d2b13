// Who may import whom (DESIGN, section 3): stages know the kernel and nothing else of ours; the kernel knows nobody.
const STAGES = 'decompose|depgraph|scheduler|allocator|adjuster|hw-target|hw-wasm|frontend-onnx|frontend-trace|testkit';
const TESTS = '[.](spec|prop)[.]ts$|/test/|/spec-support[.]ts$';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'kernel-imports-no-package',
      severity: 'error',
      from: { path: '^packages/core-ir/' },
      to: { path: '^packages/(?!core-ir/)' },
    },
    {
      name: 'stages-import-the-kernel-only',
      severity: 'error',
      from: { path: `^packages/(${STAGES})/`, pathNot: TESTS },
      to: { path: '^packages/(?!core-ir/)', pathNot: '^packages/$1/' },
    },
    {
      name: 'tests-of-stages-import-kernel-and-testkit-only',
      severity: 'error',
      from: { path: `^packages/(${STAGES})/` },
      to: { path: '^packages/(?!core-ir/|testkit/)', pathNot: '^packages/$1/' },
    },
    {
      name: 'nobody-imports-the-command',
      severity: 'error',
      from: { pathNot: '^packages/cli/' },
      to: { path: '^packages/cli/' },
    },
    {
      name: 'packages-import-each-other-by-name',
      comment: 'A relative path into another package passes by its public face.',
      severity: 'error',
      from: { path: '^packages/([^/]+)/' },
      to: { path: '^packages/', pathNot: '^packages/$1/', dependencyTypes: ['local'], dependencyTypesNot: ['aliased-workspace', 'npm'] },
    },
    {
      name: 'only-the-command-and-node-targets-know-node',
      comment: 'The rest must run in a browser.',
      severity: 'error',
      from: { path: '^packages/(core-ir|decompose|depgraph|scheduler|allocator|adjuster|testkit)/src/', pathNot: TESTS },
      to: { dependencyTypes: ['core'], dynamic: false },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-unresolved',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '/dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@regrain/source', 'import', 'node', 'default', 'types'],
      extensions: ['.ts', '.mjs', '.js', '.json'],
    },
  },
};
