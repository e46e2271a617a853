import js from "@eslint/js";
import globals from "globals";

// Not yet as the others are: longer lines, and a name that hides another.
const OLDER = ["viewer", "panel", "layout", "hand", "shell"].map((name) => `assets/viewer/${name}.js`);

export default [
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      eqeqeq: "error",
      "max-len": ["error", { code: 120 }],
      "no-shadow": ["error", { builtinGlobals: false }],
      "no-unused-vars": ["error", { ignoreRestSiblings: true }],
      "no-var": "error",
      "prefer-const": ["error", { destructuring: "all" }],
    },
  },
  { files: ["assets/viewer/**"], languageOptions: { globals: globals.browser } },
  { files: ["tests/viewer/**", "*.js"], languageOptions: { globals: globals.node } },
  { files: OLDER, rules: { "max-len": "off", "no-shadow": "off" } },
];
