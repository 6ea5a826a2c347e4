import { check, type DeploymentDocument, section } from '../../../src/model/index.ts'
import { documents, judged } from './documents.ts'
import { attachmentsOf, covers, hasCondition, principalsOf, type Statement, statementsOf } from './policies.ts'

type Evidence = { documents: { documents: DeploymentDocument[] } }

const inStatements =
  (expected: string, of: 'permissions' | 'trust' | 'any', fault: (statement: Statement) => string | undefined) =>
  ({ documents: { documents } }: Evidence) =>
    judged(
      statementsOf(documents).filter(({ allows, trust }) => allows && (of === 'any' || trust === (of === 'trust'))),
      { none: of === 'trust' ? 'no trust policy is described' : 'no IAM policy is described', expected },
      fault,
    )

const everything = (values: readonly string[]): boolean => values.includes('*')

// Actions that cannot be narrowed to a resource.
const unbound = [
  /:(list|describe)\w*$/i,
  /^xray:put/i,
  /^cloudwatch:putmetricdata$/i,
  /^ecr:getauthorizationtoken$/i,
  /^sts:getcalleridentity$/i,
  /^(ec2messages|ssmmessages):/i,
]

const escalating = [
  'iam:CreatePolicyVersion',
  'iam:SetDefaultPolicyVersion',
  'iam:AttachRolePolicy',
  'iam:AttachUserPolicy',
  'iam:AttachGroupPolicy',
  'iam:PutRolePolicy',
  'iam:PutUserPolicy',
  'iam:PutGroupPolicy',
  'iam:UpdateAssumeRolePolicy',
  'iam:CreateAccessKey',
  'iam:CreateLoginProfile',
  'iam:UpdateLoginProfile',
  'iam:AddUserToGroup',
  'iam:DeleteRolePermissionsBoundary',
]

// Services that assume a role only for what is tied to it, so that nobody else's resource can be meant.
const tied = /^(ec2|lambda|eks|pods\.eks|eks-fargate-pods|ecs)\.amazonaws\.com(\.cn)?$/

const user = 'IAM/latest/UserGuide'
const analyzer = `${user}/access-analyzer-reference-policy-checks.html#access-analyzer-reference-policy-checks-security-warning`

export default section(
  {
    spec: 'aws',
    page: `${user}/best-practices.html#grant-least-privilege`,
    revisions: 'all',
    of: 'manifests',
    threat: 'over-privilege',
    weakness: 'CWE-732',
  },
  [
    check('privileges/managed-policy', {
      title: 'No role has all of a service',
      should: 'attach no managed policy that gives all of a service, or of the account, to a workload',
      needs: { documents },
      judge: ({ documents: { documents } }) =>
        judged(
          attachmentsOf(documents),
          { none: 'no managed policy is attached', expected: 'a policy with the actions that are used' },
          ({ arn }) =>
            /(FullAccess|PowerUser\w*|AdministratorAccess|IAMFullAccess|Administrator)$/.test(arn)
              ? `attaches ${arn.split('/').at(-1)}`
              : undefined,
        ),
      fix: 'Write a policy with the actions and resources the workload uses; IAM Access Analyzer makes one from what it did.',
    }),

    check('privileges/administrator', {
      spec: 'checkov',
      page: 'CKV_AWS_62',
      title: 'No policy allows everything',
      policy: 'allow no "*" actions on "*" resources',
      needs: { documents },
      judge: inStatements('named actions', 'permissions', ({ actions, resources }) =>
        everything(actions) && everything(resources) ? 'allows every action on every resource' : undefined,
      ),
      fix: 'Name the actions and the resources.',
    }),

    check('privileges/action-wildcard', {
      spec: 'checkov',
      page: 'CKV_AWS_63',
      title: 'Policies name their actions',
      policy: 'allow neither every action nor every action of a service',
      needs: { documents },
      judge: inStatements('named actions', 'any', ({ actions }) => {
        const wild = actions.filter((action) => /^(\*|[\w-]+:\*)$/.test(action))
        return wild.length === 0 ? undefined : `allows ${wild.join(', ')}`
      }),
      fix: 'Name the actions that are used.',
    }),

    check('privileges/resource-wildcard', {
      spec: 'checkov',
      page: 'CKV_AWS_355',
      title: 'Policies name their resources',
      policy: 'allow actions on "*" only where they cannot be narrowed, or under a condition',
      needs: { documents },
      judge: inStatements('ARNs', 'permissions', ({ actions, resources, conditions }) => {
        if (!everything(resources) || conditions.length > 0) return undefined
        const bound = actions.filter((action) => !unbound.some((each) => each.test(action)))
        return bound.length === 0 ? undefined : `allows ${bound.slice(0, 3).join(', ')} on every resource`
      }),
      fix: 'Name the ARNs.',
    }),

    check('privileges/allow-not-action', {
      page: `${user}/reference_policies_elements_notaction.html`,
      title: 'Nothing is allowed by exception',
      policy: 'not allow all actions or resources but some: what AWS adds later is then allowed too',
      needs: { documents },
      judge: inStatements('Action and Resource', 'any', ({ value }) => {
        const negated = ['NotAction', 'NotResource'].filter((element) => element in value)
        return negated.length === 0 ? undefined : `allows by ${negated.join(' and ')}`
      }),
      fix: 'Name what is allowed, in Action and Resource.',
    }),

    check('privileges/pass-role', {
      page: `${analyzer}-pass-role-with-star-in-resource`,
      title: 'Roles are passed by name',
      should: 'allow iam:PassRole for named roles only',
      needs: { documents },
      judge: inStatements('ARNs of roles', 'permissions', ({ actions, resources }) =>
        actions.some((action) => /^iam:pass/i.test(action)) && resources.some((resource) => /(^|role\/)\*$/.test(resource))
          ? 'passes any role'
          : undefined,
      ),
      fix: 'Name the role, and add a condition on iam:PassedToService.',
    }),

    check('privileges/permission-escalation', {
      spec: 'checkov',
      page: 'CKV_AWS_286',
      title: 'No policy lets its holder widen it',
      policy: 'allow none of the actions that change what a principal may do',
      needs: { documents },
      judge: inStatements('no iam: actions that write', 'permissions', ({ actions }) => {
        const named = actions.filter((action) => action !== '*')
        const own = escalating.filter((action) => covers(named, action))
        return own.length === 0 ? undefined : `allows ${own.slice(0, 3).join(', ')}`
      }),
      fix: 'Remove the actions, or put a permissions boundary on what they may touch.',
    }),

    check('privileges/assume-any-role', {
      spec: 'checkov',
      page: 'CKV_AWS_61',
      title: 'Roles are assumed by name',
      policy: 'allow sts:AssumeRole for named roles only',
      needs: { documents },
      judge: inStatements('ARNs of roles', 'permissions', ({ actions, resources }) =>
        actions.some((action) => /^sts:assumerole/i.test(action)) && resources.some((resource) => /(^|role\/)\*$/.test(resource))
          ? 'assumes any role that lets it'
          : undefined,
      ),
      fix: 'Name the role.',
    }),

    check('privileges/allow-not-principal', {
      page: `${analyzer}-allow-with-not-principal`,
      title: 'Nobody is allowed by exception',
      should: 'not use NotPrincipal with Allow: everybody else is meant, anonymous callers included',
      needs: { documents },
      judge: inStatements('Principal', 'any', ({ value }) => ('NotPrincipal' in value ? 'allows all principals but some' : undefined)),
      fix: 'Name the principals, in Principal.',
    }),

    check('privileges/trust-anyone', {
      weakness: 'CWE-863',
      spec: 'checkov',
      page: 'CKV_AWS_60',
      title: 'Roles are trusted to somebody in particular',
      policy: 'name who may assume a role',
      needs: { documents },
      judge: inStatements('ARNs or services', 'trust', (statement) =>
        principalsOf(statement, 'AWS').some((principal) => principal === '*') ? 'lets any AWS principal assume the role' : undefined,
      ),
      fix: 'Name the principal.',
    }),

    check('privileges/confused-deputy', {
      weakness: 'CWE-441',
      page: `${user}/confused-deputy.html`,
      title: 'A service assumes a role only for this account',
      should: 'bind the trust in a service with aws:SourceArn or aws:SourceAccount, so that it cannot be used on behalf of others',
      needs: { documents },
      judge: inStatements('a condition on aws:SourceAccount or aws:SourceArn', 'trust', (statement) => {
        const services = principalsOf(statement, 'Service').filter((service) => !tied.test(service))
        return services.length === 0 || hasCondition(statement, /^aws:source(arn|account|orgid|orgpaths)$/)
          ? undefined
          : `trusts ${services.join(', ')} on behalf of anybody`
      }),
      fix: 'Add a condition: StringEquals aws:SourceAccount, ArnLike aws:SourceArn.',
    }),

    check('privileges/external-id', {
      weakness: 'CWE-441',
      page: `${user}/confused-deputy.html`,
      title: 'Another account is trusted under a condition',
      should: 'ask for an external id where a whole account is trusted',
      needs: { documents },
      judge: inStatements('a condition on sts:ExternalId or aws:PrincipalArn', 'trust', (statement) => {
        const accounts = principalsOf(statement, 'AWS').filter((principal) => /^(\d{12}|arn:aws[\w-]*:iam::\d{12}:root)$/.test(principal))
        return accounts.length === 0 || hasCondition(statement, /^(sts:externalid|aws:principal(arn|orgid|orgpaths))$/)
          ? undefined
          : `trusts all of ${accounts.join(', ')}`
      }),
      fix: 'Name the role, or add a condition on sts:ExternalId.',
    }),

    check('privileges/web-identity', {
      weakness: 'CWE-863',
      page: 'eks/latest/userguide/associate-service-account-role.html',
      title: 'Federated roles name subject and audience',
      should: 'bind a role for service accounts to one subject and to the audience sts.amazonaws.com',
      needs: { documents },
      judge: inStatements('StringEquals on :sub and :aud', 'trust', (statement) => {
        if (principalsOf(statement, 'Federated').length === 0) return undefined
        const missing = ['sub', 'aud'].filter((claim) => !hasCondition(statement, new RegExp(`:${claim}$`)))
        if (missing.length > 0) return `has no condition on ${missing.join(' and ')}`
        const wild = statement.conditions.find(
          ({ operator, key, values }) => key.endsWith(':sub') && /like/i.test(operator) && values.some((value) => /[*?]/.test(value)),
        )
        return wild === undefined ? undefined : `lets ${wild.values.join(', ')} assume the role`
      }),
      fix: 'Compare with StringEquals: the subject is system:serviceaccount:namespace:name.',
    }),
  ],
)
