using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using TorchSharp;
using Xunit;

namespace GumbelGan.Tests.Contract;

/// <summary>
/// Holds the stand-in to the list of TorchSharp 0.106.0's public signatures: whatever it offers must exist there under the same name, with the
/// same parameters, defaults and result. A method may leave out trailing parameters that have defaults there. TorchSharp.Native, which only reflection
/// reaches, is what the bridge has beyond TorchSharp.
/// </summary>
public sealed partial class SignatureContractTests
{
    private const string ListName = "reference/torchsharp-0.106.0-signatures.txt";

    [Fact]
    public void Every_public_type_and_member_of_the_stand_in_exists_in_TorchSharp()
    {
        string? list = FindList();
        Assert.SkipWhen(list is null, $"shared/{ListName} is not on this machine.");
        Assembly engine = typeof(torch).Assembly;
        Assert.SkipUnless(engine.GetType("TorchSharp.Native.NativeMethods") is not null, "Built on the official package, which is the list's own source.");
        Dictionary<string, ListedType> listed = Parse(File.ReadLines(list!));
        var unknown = new List<string>();
        foreach (Type type in engine.GetTypes().Where(type => type.IsVisible && type.Namespace != "TorchSharp.Native" && type.GetCustomAttribute<CompilerGeneratedAttribute>() is null))
        {
            if (!listed.TryGetValue(type.FullName!, out ListedType? known))
            {
                unknown.Add(type.FullName!);
                continue;
            }

            unknown.AddRange(type.IsEnum
                ? type.GetEnumNames().Where(name => !known.Members.Contains(name)).Select(name => $"{type.FullName}.{name}")
                : Describe(type).Where(member => !Exists(member, known, listed)).Select(member => $"{type.FullName}: {member}"));
        }

        Assert.True(unknown.Count == 0, string.Join(Environment.NewLine, unknown));
    }

    [Theory]
    [InlineData("int f(int a)", "static int f(int a)", false)]
    [InlineData("int f(int a)", "int f(int a, int b)", false)]
    [InlineData("int f(int a)", "int f(int a, List<int, int> b = null)", true)]
    [InlineData("int f(int a = 1)", "int f(int a = 2)", false)]
    [InlineData("int f(int a)", "int f(int b)", false)]
    [InlineData("int f(int a)", "int g(int a)", false)]
    public void A_signature_fits_a_listed_one_only_where_a_caller_could_not_tell(string ours, string theirs, bool fits) => Assert.Equal(fits, Fits(ours, theirs));

    private sealed record ListedType(string? Base, HashSet<string> Members);

    private static string? FindList()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string candidate = Path.Combine(folder.FullName, "shared", ListName);
            if (File.Exists(candidate))
            {
                return candidate;
            }
        }

        return null;
    }

    [GeneratedRegex(@"^== (?<name>\S+?)(?: : (?<base>.+?))?(?: \(enum: (?<values>.*)\))?$")]
    private static partial Regex Header();

    private static Dictionary<string, ListedType> Parse(IEnumerable<string> lines)
    {
        var types = new Dictionary<string, ListedType>();
        ListedType? current = null;
        foreach (string line in lines)
        {
            if (Header().Match(line) is { Success: true } header)
            {
                current = new ListedType(header.Groups["base"].Value, [.. header.Groups["values"].Value.Split(", ")]);
                types[header.Groups["name"].Value] = current;
            }
            else if (line.StartsWith("  ", StringComparison.Ordinal))
            {
                current!.Members.Add(line.Trim());
            }
        }

        return types;
    }

    // A member may stand in a base class there: Adam's parameters() in Optimizer.
    private static bool Exists(string member, ListedType type, Dictionary<string, ListedType> listed)
    {
        for (ListedType? at = type; at is not null; at = BaseOf(at, listed))
        {
            if (at.Members.Any(theirs => Fits(member, theirs)))
            {
                return true;
            }
        }

        return false;
    }

    private static ListedType? BaseOf(ListedType type, Dictionary<string, ListedType> listed)
    {
        if (string.IsNullOrEmpty(type.Base))
        {
            return null;
        }

        int generic = type.Base.IndexOf('<', StringComparison.Ordinal);
        string name = (generic < 0 ? type.Base : type.Base[..generic]).Replace('.', '+');
        string arity = generic < 0 ? "" : $"`{SplitTopLevel(type.Base[(generic + 1)..^1]).Count}";
        return listed.FirstOrDefault(entry => entry.Key.EndsWith("+" + name + arity, StringComparison.Ordinal) || entry.Key.EndsWith("." + name + arity, StringComparison.Ordinal)).Value;
    }

    private static bool Fits(string ours, string theirs)
    {
        int open = ours.IndexOf('(', StringComparison.Ordinal), theirOpen = theirs.IndexOf('(', StringComparison.Ordinal);
        theirs = theirs.Replace("abstract ", "", StringComparison.Ordinal);
        if (!ours.EndsWith(')') || !theirs.EndsWith(')'))
        {
            return PropertyFits(ours, theirs);
        }

        theirOpen = theirs.IndexOf('(', StringComparison.Ordinal);
        if (ours[..open] != theirs[..theirOpen])
        {
            return false;
        }

        List<string> mine = SplitTopLevel(ours[(open + 1)..^1]), listed = SplitTopLevel(theirs[(theirOpen + 1)..^1]);
        return mine.Count <= listed.Count && mine.SequenceEqual(listed.Take(mine.Count)) && listed.Skip(mine.Count).All(parameter => parameter.Contains(" = ", StringComparison.Ordinal));
    }

    // The list does not say which properties are static, and a property here may lack a setter that exists there.
    private static bool PropertyFits(string ours, string theirs) =>
        ours == theirs || (ours.EndsWith("{ get; }", StringComparison.Ordinal) && theirs == ours.Replace("{ get; }", "{ get; set; }", StringComparison.Ordinal));

    private static List<string> SplitTopLevel(string parameters)
    {
        var parts = new List<string>();
        int depth = 0, start = 0;
        for (int i = 0; i < parameters.Length; i++)
        {
            depth += parameters[i] is '<' or '(' ? 1 : parameters[i] is '>' or ')' ? -1 : 0;
            if (parameters[i] == ',' && depth == 0)
            {
                parts.Add(parameters[start..i].Trim());
                start = i + 1;
            }
        }

        if (parameters.Length > 0)
        {
            parts.Add(parameters[start..].Trim());
        }

        return parts;
    }

    private static IEnumerable<string> Describe(Type type)
    {
        const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        foreach (MethodBase method in type.GetConstructors(Declared).Where(one => !one.IsStatic).Concat<MethodBase>(type.GetMethods(Declared)))
        {
            bool accessor = method is MethodInfo { IsSpecialName: true } && !method.Name.StartsWith("op_", StringComparison.Ordinal);
            bool everyObjectHasIt = method.Name is "Finalize" or "ToString" or "Equals" or "GetHashCode" || (type.IsValueType && method.IsConstructor);
            if (Visible(method.IsPublic, method.IsFamily || method.IsFamilyOrAssembly, type) && !accessor && !everyObjectHasIt && !method.Name.Contains('.', StringComparison.Ordinal))
            {
                string name = method is MethodInfo info
                    ? $"{(info.IsStatic ? "static " : "")}{Name(info.ReturnType)} {info.Name}{(info.IsGenericMethod ? $"<{string.Join(", ", info.GetGenericArguments().Select(Name))}>" : "")}"
                    : "new";
                yield return $"{(method.IsPublic ? "" : "protected ")}{name}({string.Join(", ", method.GetParameters().Select(Describe))})";
            }
        }

        foreach (PropertyInfo property in type.GetProperties(Declared))
        {
            MethodInfo? get = property.GetMethod is { IsPublic: true } getter ? getter : null, set = property.SetMethod is { IsPublic: true } setter ? setter : null;
            if ((get ?? set) is not null)
            {
                string index = property.GetIndexParameters() is { Length: > 0 } parameters ? $"this[{string.Join(", ", parameters.Select(Describe))}]" : property.Name;
                yield return $"{Name(property.PropertyType)} {index} {{ {(get is null ? "" : "get; ")}{(set is null ? "" : "set; ")}}}";
            }
        }

        foreach (FieldInfo field in type.GetFields(Declared).Where(field => Visible(field.IsPublic, field.IsFamily, type)))
        {
            yield return $"{(field.IsPublic ? "" : "protected ")}{(field.IsStatic ? "static " : "")}{Name(field.FieldType)} {field.Name}";
        }
    }

    private static bool Visible(bool isPublic, bool isProtected, Type type) => isPublic || (isProtected && !type.IsSealed);

    private static string Describe(ParameterInfo parameter)
    {
        string keyword = parameter.IsDefined(typeof(ParamArrayAttribute)) ? "params " : parameter.IsOut ? "out " : parameter.ParameterType.IsByRef ? "ref " : "";
        Type type = parameter.ParameterType.IsByRef ? parameter.ParameterType.GetElementType()! : parameter.ParameterType;
        return $"{keyword}{Name(type)} {parameter.Name}{(parameter.HasDefaultValue ? $" = {Default(parameter, type)}" : "")}";
    }

    private static string Default(ParameterInfo parameter, Type type) => parameter.DefaultValue switch
    {
        null => "null",
        bool truth => truth ? "true" : "false",
        string text => $"\"{text}\"",
        var value when (Nullable.GetUnderlyingType(type) ?? type).IsEnum => Enum.GetName(Nullable.GetUnderlyingType(type) ?? type, value)!,
        var value => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private static readonly Dictionary<Type, string> _keywords = new()
    {
        [typeof(void)] = "void",
        [typeof(bool)] = "bool",
        [typeof(byte)] = "byte",
        [typeof(sbyte)] = "sbyte",
        [typeof(short)] = "short",
        [typeof(int)] = "int",
        [typeof(long)] = "long",
        [typeof(float)] = "float",
        [typeof(double)] = "double",
        [typeof(string)] = "string",
        [typeof(object)] = "object",
    };

    private static string Name(Type type)
    {
        if (_keywords.TryGetValue(type, out string? keyword))
        {
            return keyword;
        }

        if (type.IsArray)
        {
            return $"{Name(type.GetElementType()!)}[]";
        }

        if (Nullable.GetUnderlyingType(type) is { } underlying)
        {
            return $"{Name(underlying)}?";
        }

        string name = type.IsNested && !type.IsGenericParameter ? $"{Bare(type.DeclaringType!)}.{Bare(type)}" : Bare(type);
        return type.IsGenericType ? $"{name}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>" : name;
    }

    private static string Bare(Type type) => type.Name.Split('`')[0];
}
