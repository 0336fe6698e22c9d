using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Numerics;
using System.Reflection;
using System.Text.Json;
using GumbelGan.Storage;

namespace GumbelGan.Training.Configuration;

/// <summary>One property of a configuration record seen as a key: its name in YAML, what it accepts, and how to get and set it.</summary>
internal sealed class ConfigurationProperty
{
    /// <summary>The property of an abstract record of options that tells their kind, and the key of that name.</summary>
    public const string KindProperty = "Kind", KindKey = "kind";

    private static readonly Type[] _scalarTypes = [typeof(string), typeof(bool), typeof(int), typeof(long), typeof(double)];

    private readonly RangeAttribute? _range;

    private ConfigurationProperty(PropertyInfo property)
    {
        Property = property;
        Name = SnakeCase(property.Name);
        Type type = property.PropertyType;
        IsList = type.IsArray || (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>));
        Type item = type.IsArray ? type.GetElementType()! : IsList ? type.GetGenericArguments()[0] : type;
        ScalarType = Nullable.GetUnderlyingType(item) ?? item;
        Kinds = IsList ? null : KindsOf(type);
        bool isScalar = Kinds is null && (ScalarType.IsEnum || IsKind || _scalarTypes.Contains(ScalarType));
        AcceptsNull = !IsList && (Nullable.GetUnderlyingType(type) is not null
            || (type == typeof(string) && new NullabilityInfoContext().Create(property).WriteState == NullabilityState.Nullable));
        if (!isScalar)
        {
            if (IsList || !type.IsClass || (Kinds is null && type.GetConstructor([]) is null))
            {
                throw new InvalidOperationException($"{property.DeclaringType}.{property.Name}: a configuration cannot hold a {type}.");
            }

            // All keys that any kind has; what one kind has is asked of its options.
            Section = Kinds is null ? Of(type) : [.. Kinds.SelectMany(kind => Of(kind.NewOptions().GetType())).DistinctBy(key => key.Name)];
        }

        _range = property.GetCustomAttribute<RangeAttribute>();
    }

    public PropertyInfo Property { get; }

    public string Name { get; }

    /// <summary>The type of the value, or of each item of the list; meaningless for a section.</summary>
    public Type ScalarType { get; }

    public bool IsList { get; }

    public bool AcceptsNull { get; }

    /// <summary>
    /// The kinds that the section can be of, each with options of its own; null where it is just a section. The name of a kind alone stands for a
    /// section that says no more.
    /// </summary>
    public IReadOnlyList<IKindOf<object>>? Kinds { get; }

    /// <summary>The keys below, if this is a nested record; else null.</summary>
    public IReadOnlyList<ConfigurationProperty>? Section { get; }

    /// <summary>What a value looks like, in words.</summary>
    public string TypeInWords
    {
        get
        {
            string scalar = ScalarType switch
            {
                _ when ScalarType.IsEnum || IsKind => "one of " + string.Join(", ", Choices()),
                _ when ScalarType == typeof(bool) => "true or false",
                _ when ScalarType == typeof(string) => "text",
                _ when ScalarType == typeof(double) => IsList ? "numbers" : "number",
                _ => IsList ? "whole numbers" : "whole number",
            };
            string words = IsList ? $"list of {scalar}" : scalar;
            string? range = RangeInWords();
            return (range is null ? words : $"{words}, {range}") + (AcceptsNull ? ", or null" : "");
        }
    }

    /// <summary>The properties of <paramref name="type"/> that are keys, in the order of declaration.</summary>
    /// <exception cref="InvalidOperationException">One has a type that YAML cannot give: our mistake.</exception>
    public static IReadOnlyList<ConfigurationProperty> Of(Type type) =>
        [.. type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property.GetIndexParameters().Length == 0 && property.GetMethod!.IsPublic && property.SetMethod is { IsPublic: true })
            .Select(property => new ConfigurationProperty(property))];

    /// <summary><c>HiddenSize</c> as <c>hidden_size</c>.</summary>
    public static string SnakeCase(string name) => JsonNamingPolicy.SnakeCaseLower.ConvertName(name);

    /// <summary>The value that <paramref name="node"/> gives this key, called <paramref name="path"/> in messages.</summary>
    /// <exception cref="UserMistakeException">Its type or range is wrong.</exception>
    public object? Value(ConfigurationNode node, string path)
    {
        if (!IsList)
        {
            return node is ScalarNode scalar
                ? AcceptsNull && scalar.IsNull ? null : Scalar(scalar, path)
                : throw Wrong(node, path, node is SequenceNode ? "a list" : "a section");
        }

        if (node is not SequenceNode list)
        {
            throw Wrong(node, path, node is ScalarNode single ? $"'{ConfigurationText.Shown(single.Text)}'" : "a section");
        }

        Array items = Array.CreateInstance(ScalarType, list.Items.Count);
        for (int i = 0; i < items.Length; i++)
        {
            ConfigurationNode item = list.Items[i];
            items.SetValue(item is ScalarNode scalar ? Scalar(scalar, path) : throw Wrong(item, path, "a list inside a list"), i);
        }

        return items;
    }

    private object Scalar(ScalarNode node, string path)
    {
        object? value = node switch
        {
            _ when ScalarType == typeof(string) => node.IsNull ? null : node.Text,
            { IsPlain: false } when !ScalarType.IsEnum && !IsKind => null,
            _ when ScalarType == typeof(bool) => node.Text switch { "true" => true, "false" => false, _ => null },
            _ when ScalarType == typeof(int) => Number<int>(node.Text),
            _ when ScalarType == typeof(long) => Number<long>(node.Text),
            _ when ScalarType == typeof(double) => Number<double>(node.Text),
            _ when IsKind => Entries().FirstOrDefault(kind => kind.Name == node.Text),
            _ => EnumValue(node.Text),
        };
        if (value is null || !InRange(value))
        {
            throw Wrong(node, path, $"'{ConfigurationText.Shown(node.Text)}'");
        }

        return value;
    }

    private static object? Number<T>(string text)
        where T : struct, INumber<T> => StrictNumber.TryParse(text, out T number) ? number : null;

    private object? EnumValue(string text)
    {
        string? name = Enum.GetNames(ScalarType).FirstOrDefault(name => SnakeCase(name) == text);
        return name is null ? null : Enum.Parse(ScalarType, name);
    }

    /// <summary>The keys below in the section that <paramref name="target"/> holds now.</summary>
    public IReadOnlyList<ConfigurationProperty> SectionIn(object target) => Kinds is null ? Section! : Of(Property.GetValue(target)!.GetType());

    /// <summary>The kind of the section that is <paramref name="value"/>.</summary>
    public static INamedKind KindOf(object value) => (INamedKind)value.GetType().GetProperty(KindProperty)!.GetValue(value)!;

    /// <summary>Gives the section of <paramref name="target"/> the options of another kind; what both kinds have stays.</summary>
    /// <exception cref="UserMistakeException">There is no such kind.</exception>
    public void Choose(object target, ConfigurationNode node, string path)
    {
        IKindOf<object> chosen = node is ScalarNode scalar && Kinds!.FirstOrDefault(kind => kind.Name == scalar.Text) is { } kind
            ? kind
            : throw new UserMistakeException(
                $"{node.Where}: '{path}' must be one of {string.Join(", ", Kinds!.Select(kind => kind.Name))}, "
                    + $"not {(node is ScalarNode text ? $"'{ConfigurationText.Shown(text.Text)}'" : "a section or a list")}.");
        object before = Property.GetValue(target)!, options = chosen.NewOptions();
        if (before.GetType() == options.GetType())
        {
            return;
        }

        foreach (ConfigurationProperty common in Of(Property.PropertyType))
        {
            common.Property.SetValue(options, common.Property.GetValue(before));
        }

        Property.SetValue(target, options);
    }

    private static IReadOnlyList<IKindOf<object>>? KindsOf(Type type) =>
        type is { IsAbstract: true } && type.GetProperty(KindProperty)?.PropertyType is { } kind && typeof(IKindOf<object>).IsAssignableFrom(kind)
            ? [.. ((IEnumerable<object>)kind.GetProperty("All", BindingFlags.Public | BindingFlags.Static)!.GetValue(null)!).Cast<IKindOf<object>>()]
            : null;

    // A kind is found in the catalogue of its class.
    private bool IsKind => typeof(INamedKind).IsAssignableFrom(ScalarType);

    private IEnumerable<INamedKind> Entries() =>
        (IEnumerable<INamedKind>)ScalarType.GetProperty("All", BindingFlags.Public | BindingFlags.Static)!.GetValue(null)!;

    /// <summary>What a value can be, where it is one of a few; else empty.</summary>
    public IReadOnlyList<string> ChoiceNames => ScalarType.IsEnum || IsKind ? [.. Choices()] : [];

    private IEnumerable<string> Choices() => IsKind ? Entries().Select(kind => kind.Name) : Enum.GetNames(ScalarType).Select(SnakeCase);

    private bool InRange(object value)
    {
        if (_range is null)
        {
            return true;
        }

        decimal? exact = value switch { int whole => whole, long whole => whole, _ => null };
        if (exact is { } integer && _range.Minimum is int lowest && _range.Maximum is int highest)
        {
            return (_range.MinimumIsExclusive ? integer > lowest : integer >= lowest)
                && (_range.MaximumIsExclusive ? integer < highest : integer <= highest);
        }

        double number = Convert.ToDouble(value, CultureInfo.InvariantCulture);
        (double minimum, double maximum) = Bounds(_range);
        return (_range.MinimumIsExclusive ? number > minimum : number >= minimum)
            && (_range.MaximumIsExclusive ? number < maximum : number <= maximum);
    }

    private static (double Minimum, double Maximum) Bounds(RangeAttribute range) =>
        (Convert.ToDouble(range.Minimum, CultureInfo.InvariantCulture), Convert.ToDouble(range.Maximum, CultureInfo.InvariantCulture));

    private string? RangeInWords()
    {
        if (_range is null)
        {
            return null;
        }

        (double minimum, double maximum) = Bounds(_range);
        bool isOpenBelow = minimum is double.MinValue or int.MinValue || double.IsNegativeInfinity(minimum);
        bool isOpenAbove = maximum is double.MaxValue or int.MaxValue || double.IsPositiveInfinity(maximum);
        string? below = isOpenBelow ? null : FormattableString.Invariant($"{(_range.MinimumIsExclusive ? "above" : "at least")} {minimum}");
        string? above = isOpenAbove ? null : FormattableString.Invariant($"{(_range.MaximumIsExclusive ? "below" : "at most")} {maximum}");
        return below is null ? above : above is null ? below : $"{below} and {above}";
    }

    private UserMistakeException Wrong(ConfigurationNode node, string path, string found) =>
        new($"{node.Where}: '{path}' must be {WithArticle(TypeInWords)}, not {found}.");

    private static string WithArticle(string words) =>
        words.StartsWith("text", StringComparison.Ordinal)
            || words.StartsWith("true", StringComparison.Ordinal) || words.StartsWith("one of", StringComparison.Ordinal)
            ? words : "a " + words;
}
