using System.Reflection;
using System.Text;
using System.Xml;
using System.Xml.Linq;

namespace GumbelGan.Training.Configuration;

/// <summary>
/// The XML documentation that the compiler writes beside each assembly, so that a key's help text is the property's own summary and
/// cannot drift from it.
/// </summary>
internal sealed class DocumentationFiles
{
    private readonly Dictionary<Assembly, Dictionary<string, XElement>> _summaries = [];

    /// <summary>The summary of <paramref name="property"/> on one line; empty if the file or the summary is missing.</summary>
    public string Summary(PropertyInfo property)
    {
        Type type = property.DeclaringType!;
        if (!_summaries.TryGetValue(type.Assembly, out Dictionary<string, XElement>? summaries))
        {
            _summaries[type.Assembly] = summaries = Load(type.Assembly);
        }

        string member = $"P:{type.FullName!.Replace('+', '.')}.{property.Name}";
        return summaries.TryGetValue(member, out XElement? summary)
            ? string.Join(' ', Text(summary).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)) : "";
    }

    private static Dictionary<string, XElement> Load(Assembly assembly)
    {
        string path = Path.Combine(AppContext.BaseDirectory, assembly.GetName().Name + ".xml");
        if (!File.Exists(path))
        {
            return [];
        }

        try
        {
            return XDocument.Load(path).Descendants("member")
                .Where(member => member.Element("summary") is not null)
                .ToDictionary(member => (string)member.Attribute("name")!, member => member.Element("summary")!);
        }
        catch (XmlException)
        {
            // Help without descriptions is still help.
            return [];
        }
    }

    private static string Text(XElement element)
    {
        var text = new StringBuilder();
        foreach (XNode node in element.Nodes())
        {
            if (node is XText words)
            {
                text.Append(words.Value);
            }
            else if (node is XElement inner)
            {
                string? reference = (string?)inner.Attribute("cref") ?? (string?)inner.Attribute("langword") ?? (string?)inner.Attribute("name");
                text.Append(inner.IsEmpty && reference is not null ? Referenced(reference) : Text(inner));
            }
        }

        return text.ToString();
    }

    // "P:GumbelGan.Generators.LstmGeneratorConfiguration.HiddenSize" reads as the key it stands for.
    private static string Referenced(string reference)
    {
        string name = reference[(reference.LastIndexOfAny(['.', ':']) + 1)..];
        return reference.StartsWith("P:", StringComparison.Ordinal)
            || reference.StartsWith("F:", StringComparison.Ordinal) ? ConfigurationProperty.SnakeCase(name) : name;
    }
}
