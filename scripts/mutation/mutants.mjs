// What a mutant is: one small edit of one source file, and where it stands. Found in the syntax tree, made in the text.
import ts from 'typescript';

/**
 * @typedef {object} Mutant
 * @property {string} file - from the root of the project
 * @property {number} start - what is replaced, in characters of the file
 * @property {number} end
 * @property {string} text - what it is replaced by
 * @property {number} line - from 1
 * @property {string} key - the same after edits elsewhere in the file: file, function, line, edit
 * @property {ts.Node} node - whose evaluation decides whether a test has been here
 * @property {boolean} serves - it deletes a call that serves the waiting line
 */

/** The calls that end in the one function which serves the line, and the steps of that function itself. */
const SERVING = new Set([
  'serve',
  'serveLine',
  'shelved',
  'joined',
  'shortened',
  'aborted',
  'grow',
  'handOver',
  'settleNewborn',
  'settleWarmUps',
  'lookAbove',
  'grant',
  'makeRoom',
]);

const SWAPPED_OPERATORS = {
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '===': ['!=='],
  '!==': ['==='],
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '/': ['*'],
  '**': ['*'],
  '>>': ['<<'],
  '+=': ['-='],
  '-=': ['+='],
  '??=': ['='],
};

const SWAPPED_METHODS = {
  min: 'max',
  max: 'min',
  floor: 'ceil',
  ceil: 'floor',
  some: 'every',
  every: 'some',
};
/** What a call of these gives is so near to what it is called on that leaving it out is a likely mistake. */
const DROPPED_METHODS = new Set(['filter', 'reverse', 'sort', 'toSorted', 'slice', 'trim']);

/** @returns {Mutant[]} in the order of the file */
export function mutantsOf(file, source) {
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.ES2022, true);
  const mutants = [];
  const found = new Map();
  const visit = (node) => {
    if (ts.isTypeNode(node) || ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return;
    if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return;
    for (const edit of editsOf(node)) mutants.push(mutantOf(file, source, tree, node, edit, found));
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return mutants.sort((one, other) => one.start - other.start || one.end - other.end);
}

function mutantOf(file, source, tree, node, [from, to, text, site = node], found) {
  const line = tree.getLineAndCharacterOfPosition(from).line;
  const whole = source.split('\n')[line].trim();
  const edit = `${brief(source.slice(from, to))} → ${text === '' || text === ';' ? '(deleted)' : brief(text)}`;
  const key = [file, scopeOf(node), whole, edit].join(' | ');
  const times = (found.get(key) ?? 0) + 1;
  found.set(key, times);
  return {
    file,
    start: from,
    end: to,
    text,
    line: line + 1,
    key: times === 1 ? key : `${key} | no. ${times}`,
    node: site,
    serves: isDeletion(text) && isServing(callOf(node)),
  };
}

const isDeletion = (text) => [';', '', 'undefined', 'return;'].includes(text);

/** The call that makes up a statement, or what an arrow function gives. */
function callOf(node) {
  if (ts.isArrowFunction(node)) return node.body;
  return node.expression ?? node;
}

function isServing(call) {
  if (!ts.isCallExpression(call)) return false;
  const [, owner, name] = /(\w+)??\.?(\w+)$/.exec(call.expression.getText());
  return SERVING.has(name) && owner !== 'rounds';
}

function brief(text) {
  const flat = text.replace(/\s+/g, ' ');
  return flat.length <= 90 ? flat : `${flat.slice(0, 60)} … ${flat.slice(-27)}`;
}

/** The function or the member of a class that holds the node. */
function scopeOf(node) {
  for (let at = node; at !== undefined; at = at.parent) {
    if (ts.isConstructorDeclaration(at)) return `${at.parent.name?.text}.constructor`;
    if (ts.isClassElement(at)) return `${at.parent.name?.text}.${at.name.getText()}`;
    if (ts.isFunctionDeclaration(at)) return at.name.text;
    if (ts.isVariableStatement(at) && ts.isSourceFile(at.parent)) {
      return at.declarationList.declarations[0].name.getText();
    }
  }
  return '-';
}

// ---- the edits: [from, to, text] -------------------------------------------------------------------------------------

function* editsOf(node) {
  if (ts.isBinaryExpression(node)) yield* ofBinary(node);
  else if (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) yield* ofUnary(node);
  else if (ts.isCallExpression(node)) yield* ofCall(node);
  else if (ts.isStatement(node)) yield* ofStatement(node);
  else if (ts.isArrowFunction(node)) yield* ofArrow(node);
  else if (ts.isConditionalExpression(node)) yield* ofCondition(node.condition, true, true);
  else if (ts.isArrayLiteralExpression(node)) yield* ofArray(node);
  else yield* ofLiteral(node);
  if (node.questionDotToken !== undefined) yield ofChain(node);
  if (isFunctionWithBody(node)) yield* ofBody(node.body);
}

const whole = (node, text) => [node.getStart(), node.getEnd(), text];

function* ofBinary(node) {
  const { left, right, operatorToken } = node;
  const operator = operatorToken.getText();
  const [one, other] = [left.getText(), right.getText()];
  if (operator === '&&' || operator === '||') {
    yield whole(node, `(${one} ${operator === '&&' ? '||' : '&&'} ${other})`);
    yield whole(node, `(${one})`);
    yield whole(node, `(${other})`);
  } else if (operator === '??') {
    yield whole(node, `(${one})`);
    yield whole(node, `(${other})`);
  } else if (!(operator === '+' && (isText(left) || isText(right)))) {
    for (const swapped of SWAPPED_OPERATORS[operator] ?? []) {
      yield [operatorToken.getStart(), operatorToken.getEnd(), swapped];
    }
  }
}

function isText(node) {
  return (
    ts.isStringLiteralLike(node) ||
    ts.isTemplateExpression(node) ||
    (ts.isBinaryExpression(node) && (isText(node.left) || isText(node.right)))
  );
}

function* ofUnary(node) {
  const operand = node.operand.getText();
  if (node.operator === ts.SyntaxKind.ExclamationToken || node.operator === ts.SyntaxKind.MinusToken) {
    yield whole(node, operand);
  } else if (node.operator === ts.SyntaxKind.PlusPlusToken) yield whole(node, `${operand}--`);
  else if (node.operator === ts.SyntaxKind.MinusMinusToken) yield whole(node, `${operand}++`);
}

function* ofCall(node) {
  if (!ts.isPropertyAccessExpression(node.expression)) return;
  const { expression: target, name } = node.expression;
  const swapped = SWAPPED_METHODS[name.text];
  if (swapped !== undefined) yield [name.getStart(), name.getEnd(), swapped, node];
  if (DROPPED_METHODS.has(name.text)) yield whole(node, target.getText());
  if (node.expression.getText() === 'Object.freeze') yield whole(node, `(${node.arguments[0].getText()})`);
}

function* ofStatement(node) {
  if (ts.isIfStatement(node)) yield* ofCondition(node.expression, true, !isGuardOfOne(node));
  else if (ts.isWhileStatement(node) || ts.isDoStatement(node))
    yield* ofCondition(node.expression, false, true);
  else if (ts.isForStatement(node) && node.condition !== undefined)
    yield* ofCondition(node.condition, false, true);
  else if (ts.isExpressionStatement(node)) {
    if (!isSuperCall(node.expression)) yield whole(node, ';');
  } else if (ts.isThrowStatement(node) || ts.isBreakStatement(node) || ts.isContinueStatement(node)) {
    yield whole(node, ';');
  } else if (ts.isReturnStatement(node)) yield* ofReturn(node);
}

/** `true` would make a loop endless, which shows nothing. */
function* ofCondition(condition, mayHold, mayFail) {
  if (mayHold) yield whole(condition, 'true');
  if (mayFail) yield whole(condition, 'false');
}

/** Without what it guards it is the same as with a condition that never holds. */
function isGuardOfOne({ thenStatement, elseStatement, expression }) {
  if (elseStatement !== undefined || hasCall(expression)) return false;
  const { statements = [thenStatement] } = thenStatement;
  return statements.length === 1 && [...ofStatement(statements[0])].some(([, , text]) => text === ';');
}

function hasCall(node) {
  return ts.isCallExpression(node) || ts.forEachChild(node, hasCall) === true;
}

function isSuperCall(node) {
  return ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.SuperKeyword;
}

/** An early return falls through; the last one gives nothing. */
function* ofReturn(node) {
  const isLast = isFunctionWithBody(node.parent.parent) && node.parent.statements.at(-1) === node;
  if (!isLast) yield whole(node, ';');
  else if (node.parent.statements.length > 1 && givesSomething(node)) yield whole(node, 'return;');
}

function givesSomething({ expression }) {
  return expression !== undefined && !['undefined', 'false'].includes(expression.getText());
}

function* ofArrow({ body }) {
  if (ts.isBlock(body) || ['undefined', 'true', 'false'].includes(body.getText())) return;
  yield [body.getStart(), body.getEnd(), 'undefined', body];
}

function isFunctionWithBody(node) {
  return ts.isFunctionLike(node) && node.body !== undefined && ts.isBlock(node.body);
}

function* ofBody(body) {
  const { statements, parent } = body;
  if (statements.length === 0 || ts.isConstructorDeclaration(parent)) return;
  if (statements.length === 1 && ts.isExpressionStatement(statements[0])) return;
  yield [body.getStart(), body.getEnd(), '{}', body];
}

function* ofArray(node) {
  const [only, ...others] = node.elements;
  if (only !== undefined && others.length === 0 && ts.isSpreadElement(only)) {
    yield whole(node, `(${only.expression.getText()})`);
  }
}

function* ofLiteral(node) {
  if (ts.isNumericLiteral(node)) yield* ofNumber(node);
  else if (node.kind === ts.SyntaxKind.TrueKeyword) yield whole(node, 'false');
  else if (node.kind === ts.SyntaxKind.FalseKeyword) yield whole(node, 'true');
  else if (ts.isIdentifier(node) && node.text === 'Infinity') yield whole(node, '0');
  else if (ts.isTemplateExpression(node)) yield whole(node, '``');
  else if (ts.isStringLiteralLike(node) && isValue(node)) yield whole(node, node.text === '' ? `'x'` : `''`);
}

function* ofNumber(node) {
  const isNegative = ts.isPrefixUnaryExpression(node.parent);
  const value = Number(node.text);
  if (!isNegative) yield whole(node, value === 0 ? '1' : value === 1 ? '0' : `${value + 1}`);
}

/** Names are not mutated, nor what is only compared: turning the comparison round says more. */
function isValue(node) {
  const { parent } = node;
  if (ts.isBinaryExpression(parent)) return !['===', '!=='].includes(parent.operatorToken.getText());
  return !ts.isLiteralTypeNode(parent) && !ts.isCaseClause(parent) && parent.name !== node;
}

/** The whole chain decides whether the link was looked at: its parts stand in no parentheses. */
function ofChain(node) {
  const token = node.questionDotToken;
  let chain = node;
  while (ts.isOptionalChain(chain.parent) && chain.parent.expression === chain) chain = chain.parent;
  return [token.getStart(), token.getEnd(), ts.isPropertyAccessExpression(node) ? '.' : '', chain];
}
