using System.ComponentModel.DataAnnotations;
using System.Reflection;
using GumbelGan.Storage;

namespace GumbelGan.Training.Configuration;

/// <summary>
/// Reads configuration records: defaults, then YAML layers in order, then assignments from the command line. A record is a class whose
/// settable properties are keys (<c>HiddenSize</c> is <c>hidden_size</c>): text, true/false, <see cref="int"/>, <see cref="long"/>,
/// <see cref="double"/>, enums, kinds of a catalogue (<see cref="INamedKind"/>), lists of these (<see cref="IReadOnlyList{T}"/>), nullables, and
/// further records, which become sections.
/// <see cref="RangeAttribute"/> bounds a number or every item of a list. A record that implements <see cref="IValidatableObject"/>
/// is asked for its cross-field problems at the end, before anything slow happens.
/// </summary>
public static class ConfigurationReader
{
    private static readonly MethodInfo _memberwiseClone = typeof(object)
        .GetMethod("MemberwiseClone", BindingFlags.Instance | BindingFlags.NonPublic)!;

    /// <summary>The configuration that <paramref name="layers"/> and then <paramref name="assignments"/> make of the defaults.</summary>
    /// <exception cref="UserMistakeException">
    /// A key is unknown or given twice in one layer, a value has the wrong type or range, or fields contradict each other; the message
    /// names the key, the file, line and column, and the nearest valid key.
    /// </exception>
    public static T Read<T>(IEnumerable<ConfigurationLayer> layers, IEnumerable<ConfigurationAssignment> assignments)
        where T : class, new() => ReadParsed<T>(layers.Select(ConfigurationDocument.Parse), assignments);

    /// <summary>The same of documents that are parsed already: parts of another file.</summary>
    internal static T ReadParsed<T>(IEnumerable<MappingNode> documents, IEnumerable<ConfigurationAssignment> assignments)
        where T : class, new()
    {
        var reading = new Reading(ConfigurationProperty.Of(typeof(T)), (T)Copy(new T()));
        foreach (MappingNode document in documents)
        {
            reading.Bind(document);
        }

        // A kind is chosen before its options are set, in whatever order they were given.
        ConfigurationAssignment[] given = [.. assignments];
        foreach (ConfigurationAssignment assignment in given.OrderBy(
            assignment => !assignment.Path.EndsWith("." + ConfigurationProperty.KindKey, StringComparison.Ordinal)
                && !given.Any(other => other.Path.StartsWith(assignment.Path + ".", StringComparison.Ordinal))))
        {
            reading.Assign(assignment);
        }

        reading.Validate();
        return (T)reading.Root;
    }

    /// <summary>The configuration in one YAML file.</summary>
    /// <exception cref="UserMistakeException">
    /// As <see cref="Read{T}(IEnumerable{ConfigurationLayer}, IEnumerable{ConfigurationAssignment})"/>, or the file cannot be read.
    /// </exception>
    public static T Read<T>(string path)
        where T : class, new() => Read<T>([ConfigurationLayer.FromFile(path)], []);

    /// <summary>Every key of <typeparamref name="T"/> in the order of declaration, with its default and its documentation.</summary>
    public static IReadOnlyList<ConfigurationKey> Keys<T>()
        where T : class, new()
    {
        var documentation = new DocumentationFiles();
        var keys = new List<ConfigurationKey>();
        Collect(ConfigurationProperty.Of(typeof(T)), new T(), "");
        return keys;

        void CollectKind(IReadOnlyList<ConfigurationProperty> properties, object defaults, string prefix, string kind)
        {
            int first = keys.Count;
            Collect(properties, defaults, prefix);
            for (int i = first; i < keys.Count; i++)
            {
                keys[i] = keys[i] with { Documentation = $"{keys[i].Documentation} Kind {kind} only." };
            }
        }

        void Collect(IReadOnlyList<ConfigurationProperty> properties, object defaults, string prefix)
        {
            foreach (ConfigurationProperty property in properties)
            {
                object? value = property.Property.GetValue(defaults);
                if (property.Kinds is { } kinds)
                {
                    string below = $"{prefix}{property.Name}.", own = ConfigurationProperty.KindOf(value!).Name;
                    keys.Add(new ConfigurationKey(below + ConfigurationProperty.KindKey,
                        $"one of {string.Join(", ", kinds.Select(kind => kind.Name))}", own, $"{documentation.Summary(property.Property)} The kind "
                            + $"decides which options there are; '{property.Name}: {own}' is short for a kind alone.")
                    {
                        Choices = [.. kinds.Select(kind => kind.Name)],
                    });
                    IReadOnlyList<ConfigurationProperty> common = ConfigurationProperty.Of(property.Property.PropertyType);
                    Collect(common, value!, below);
                    foreach (IKindOf<object> kind in kinds)
                    {
                        object options = kind.NewOptions();
                        CollectKind([.. ConfigurationProperty.Of(options.GetType()).Where(key => common.All(other => other.Name != key.Name))],
                            options, below, kind.Name);
                    }
                }
                else if (property.Section is { } section)
                {
                    Collect(section, value!, $"{prefix}{property.Name}.");
                }
                else
                {
                    keys.Add(new ConfigurationKey(prefix + property.Name, property.TypeInWords, ConfigurationWriter.Value(value),
                        documentation.Summary(property.Property))
                    {
                        Choices = property.IsList ? [] : property.ChoiceNames,
                    });
                }
            }
        }
    }

    // Defaults may share instances; what is written into must be ours alone.
    private static object Copy(object record)
    {
        object copy = _memberwiseClone.Invoke(record, [])!;
        foreach (ConfigurationProperty property in ConfigurationProperty.Of(record.GetType()))
        {
            if (property.Section is not null)
            {
                object nested = property.Property.GetValue(record)
                    ?? throw new InvalidOperationException(
                        $"{property.Property.DeclaringType}.{property.Property.Name} must have a default that is not null.");
                property.Property.SetValue(copy, Copy(nested));
            }
        }

        return copy;
    }

    private sealed class Reading(IReadOnlyList<ConfigurationProperty> properties, object root)
    {
        private readonly Dictionary<string, string> _whereByPath = [];

        public object Root => root;

        public void Bind(MappingNode mapping) => BindSection(mapping, properties, root, "");

        public void Assign(ConfigurationAssignment assignment)
        {
            IReadOnlyList<ConfigurationProperty>? section = properties;
            object target = root;
            string[] names = assignment.Path.Split('.');
            for (int i = 0; i < names.Length; i++)
            {
                ConfigurationProperty property = section?.FirstOrDefault(property => property.Name == names[i])
                    ?? throw Unknown(assignment.Origin, assignment.Path, assignment.Path, isFile: false);
                bool namesKind = i + 1 == names.Length || (i + 2 == names.Length && names[^1] == ConfigurationProperty.KindKey);
                if (property.Kinds is not null && namesKind)
                {
                    property.Choose(target, new ScalarNode(assignment.Origin, assignment.Value, IsPlain: true), assignment.Path);
                    return;
                }

                if (i + 1 < names.Length)
                {
                    section = property.Section is null ? null : property.SectionIn(target);
                    target = property.Property.GetValue(target)!;
                    continue;
                }

                if (property.Section is { } below)
                {
                    throw new UserMistakeException($"{assignment.Origin}: '{assignment.Path}' is a section; set one of its keys, for "
                        + $"example {assignment.Path}.{below[0].Name}.");
                }

                ConfigurationNode node = property.IsList
                    ? ConfigurationDocument.ParseList(assignment.Origin, assignment.Value)
                    : new ScalarNode(assignment.Origin, assignment.Value, IsPlain: true);
                Set(property, target, node, assignment.Path);
            }
        }

        public void Validate() => ValidateSection(properties, root, "");

        private void BindSection(MappingNode mapping, IReadOnlyList<ConfigurationProperty> section, object target, string prefix)
        {
            var seen = new Dictionary<string, string>();
            foreach ((ScalarNode key, ConfigurationNode value) in mapping.Entries)
            {
                string path = prefix + key.Text;
                ConfigurationProperty property = section.FirstOrDefault(property => property.Name == key.Text)
                    ?? throw Unknown(key.Where, path, key.Text, isFile: true);
                if (!seen.TryAdd(property.Name, key.Where))
                {
                    throw new UserMistakeException($"{key.Where}: the key '{path}' was given before ({seen[property.Name]}); keep one of them.");
                }

                if (property.Section is null)
                {
                    Set(property, target, value, path);
                }
                else if (value is MappingNode below)
                {
                    MappingNode rest = property.Kinds is null ? below : Chosen(property, below, target, path);
                    BindSection(rest, property.SectionIn(target), property.Property.GetValue(target)!, path + ".");
                }
                else if (property.Kinds is not null && value is ScalarNode { IsNull: false })
                {
                    property.Choose(target, value, path);
                }
                else if (value is not ScalarNode { IsNull: true })
                {
                    throw new UserMistakeException(
                        $"{value.Where}: '{path}' is a section; write its keys ({property.Section[0].Name}, ...) indented on the lines below it.");
                }
            }
        }

        // Takes the kind out of a section, chooses it, and leaves the other keys.
        private static MappingNode Chosen(ConfigurationProperty property, MappingNode section, object target, string path)
        {
            foreach ((ScalarNode key, ConfigurationNode value) in section.Entries.Where(entry => entry.Key.Text == ConfigurationProperty.KindKey))
            {
                property.Choose(target, value, $"{path}.{key.Text}");
            }

            return section with { Entries = [.. section.Entries.Where(entry => entry.Key.Text != ConfigurationProperty.KindKey)] };
        }

        private void Set(ConfigurationProperty property, object target, ConfigurationNode node, string path)
        {
            property.Property.SetValue(target, property.Value(node, path));
            _whereByPath[path] = node.Where;
        }

        private void ValidateSection(IReadOnlyList<ConfigurationProperty> section, object target, string prefix)
        {
            foreach (ConfigurationProperty property in section)
            {
                if (property.Section is not null)
                {
                    ValidateSection(property.SectionIn(target), property.Property.GetValue(target)!, $"{prefix}{property.Name}.");
                }
            }

            if (target is IValidatableObject validatable
                && validatable.Validate(new ValidationContext(target)).FirstOrDefault(result => result is not null) is { } problem)
            {
                string[] paths = [.. problem.MemberNames.Select(name => prefix + ConfigurationProperty.SnakeCase(name))];
                string[] places =
                    [.. paths.Select(path => _whereByPath.TryGetValue(path, out string? where) ? $"'{path}' ({where})" : $"'{path}' (default)")];
                string subject = places.Length > 0
                    ? string.Join(" and ", places) : prefix.TrimEnd('.') is { Length: > 0 } name ? $"'{name}'" : "configuration";
                throw new UserMistakeException($"{subject}: {problem.ErrorMessage}");
            }
        }

        private UserMistakeException Unknown(string where, string path, string written, bool isFile)
        {
            string leaf = path[(path.LastIndexOf('.') + 1)..];
            if (isFile && written.Contains('.', StringComparison.Ordinal) && Paths(properties, "").Contains(path))
            {
                int dot = written.IndexOf('.', StringComparison.Ordinal);
                return new UserMistakeException($"{where}: write '{written}' as a section, '{written[..dot]}:' on a line of its own and "
                    + $"'{written[(dot + 1)..]}' indented below it.");
            }

            if (Paths(properties, "").Contains(path))
            {
                string section = path[..path.LastIndexOf('.')];
                return new UserMistakeException($"{where}: '{path}' belongs to another kind of {section}; leave it out, or choose the kind that "
                    + $"has it with {section}.{ConfigurationProperty.KindKey}.");
            }

            // Keys are often put into the wrong section, so the same name in another section is suggested before a similar name in this one.
            string nearest = Paths(properties, "").MinBy(candidate => Math.Min(
                NearestName.Unlikeness(path, candidate),
                NearestName.Unlikeness(leaf, candidate[(candidate.LastIndexOf('.') + 1)..]) + 0.5))!;
            return new UserMistakeException(
                $"{where}: there is no key '{ConfigurationText.Shown(path)}'; did you mean '{nearest}'? All keys: 'gumbelgan train --help'.");
        }

        private static IEnumerable<string> Paths(IReadOnlyList<ConfigurationProperty> section, string prefix) =>
            section.SelectMany(property => property.Section is { } below
                ? Paths(below, $"{prefix}{property.Name}.").Prepend(prefix + property.Name)
                    .Concat(property.Kinds is null ? [] : [$"{prefix}{property.Name}.{ConfigurationProperty.KindKey}"])
                : [prefix + property.Name]);
    }
}
