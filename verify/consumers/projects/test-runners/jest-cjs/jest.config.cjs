module.exports = {
  rootDir: '..',
  testMatch: ['**/jest-cjs/*.test.cjs'],
  // keywrap and what it depends on are ES modules.
  transform: {
    '\\.[cm]?js$': [
      'babel-jest',
      {
        plugins: [
          '@babel/plugin-transform-modules-commonjs',
          '@babel/plugin-transform-dynamic-import',
        ],
      },
    ],
  },
  transformIgnorePatterns: ['/node_modules/(?!(@keywrap|@noble|lru-cache)/)'],
};
