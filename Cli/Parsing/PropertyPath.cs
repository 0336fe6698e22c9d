using System.Linq.Expressions;
using System.Reflection;

namespace GumbelGan.Cli.Parsing;

/// <summary>A property of a request, or of a record in it: <c>request => request.Tokenizer.Merges</c>.</summary>
/// <remarks>Init-only properties are set by reflection: the request has just been made and nobody has seen it.</remarks>
internal sealed class PropertyPath
{
    private readonly PropertyInfo[] _owners;
    private readonly PropertyInfo _last;

    private PropertyPath(List<PropertyInfo> path) => (_owners, _last) = ([.. path.SkipLast(1)], path[^1]);

    /// <summary>Reads the path out of an expression that does nothing but name properties.</summary>
    public static PropertyPath Of(LambdaExpression expression)
    {
        var path = new List<PropertyInfo>();
        for (Expression? part = expression.Body; part is not ParameterExpression;)
        {
            if (part is UnaryExpression { NodeType: ExpressionType.Convert } conversion)
            {
                part = conversion.Operand;
                continue;
            }

            var member = (MemberExpression)part!;
            if (Nullable.GetUnderlyingType(member.Expression!.Type) is not null)
            {
                // The value of what may be null is given to that itself.
                part = member.Expression;
                continue;
            }

            path.Insert(0, (PropertyInfo)member.Member);
            part = member.Expression;
        }

        return new PropertyPath(path);
    }

    /// <summary>The value in <paramref name="request"/>.</summary>
    public object? Get(object request) => _last.GetValue(Owner(request));

    /// <summary>Changes the value in <paramref name="request"/>.</summary>
    public void Set(object request, object? value) => _last.SetValue(Owner(request), value);

    private object Owner(object request) => _owners.Aggregate(request, (owner, property) => property.GetValue(owner)!);
}
