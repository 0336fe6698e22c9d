using System.Diagnostics.CodeAnalysis;
using GumbelGan.Storage;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace GumbelGan.Training.Configuration;

/// <summary>
/// Turns YAML text into nodes, and accepts only what a configuration needs: one document of nested keys, values and lists. Anchors,
/// aliases and tags are refused (aliases can make a kilobyte mean gigabytes, tags can name types to create), and so is deep nesting.
/// </summary>
internal sealed class ConfigurationDocument
{
    private const int MaximumDepth = 20;

    private readonly string _name;
    private readonly Parser _parser;

    private ConfigurationDocument(string name, string text)
    {
        _name = name;
        _parser = new Parser(new StringReader(text));
    }

    /// <summary>The whole document; an empty one is an empty mapping.</summary>
    /// <exception cref="UserMistakeException">It is no YAML, or uses what is refused.</exception>
    public static MappingNode Parse(ConfigurationLayer layer)
    {
        if (layer.Text.Length > ConfigurationLayer.MaximumBytes)
        {
            throw new UserMistakeException($"{layer.Name} is larger than {ConfigurationLayer.MaximumBytes} bytes, so it is no configuration file.");
        }

        var document = new ConfigurationDocument(layer.Name, layer.Text);
        return document.ParseWhole(root => root switch
        {
            null => new MappingNode(layer.Name, []),
            ScalarNode { IsNull: true } => new MappingNode(layer.Name, []),
            MappingNode mapping => mapping,
            _ => throw new UserMistakeException($"{root.Where}: a configuration consists of 'key: value' lines."),
        });
    }

    /// <summary>The list in flow style, as typed after <c>--set key=</c>.</summary>
    /// <exception cref="UserMistakeException">It is no such list.</exception>
    public static SequenceNode ParseList(string origin, string text)
    {
        var document = new ConfigurationDocument(origin, text);
        return document.ParseWhole(root => root is SequenceNode list
            ? list with { Where = origin }
            : throw new UserMistakeException($"{origin}: write a list as [1, 2, 3]."));
    }

    private T ParseWhole<T>(Func<ConfigurationNode?, T> accept)
    {
        Next();
        Next();
        ConfigurationNode? root = null;
        if (_parser.Current is DocumentStart)
        {
            root = Node(Next(), 1);
            Next();
            if (Next() is not StreamEnd)
            {
                throw Refused(_parser.Current!, "a second document begins; keep one document in the file");
            }
        }

        return accept(root);
    }

    private ConfigurationNode Node(ParsingEvent first, int depth)
    {
        if (depth > MaximumDepth)
        {
            throw Refused(first, $"the nesting is deeper than {MaximumDepth} levels");
        }

        switch (first)
        {
            case Scalar scalar:
                RefuseAnchorsAndTags(scalar);
                return new ScalarNode(Where(scalar.Start), scalar.Value, scalar.Style == ScalarStyle.Plain);

            case SequenceStart sequence:
                RefuseAnchorsAndTags(sequence);
                var items = new List<ConfigurationNode>();
                while (Next() is not SequenceEnd)
                {
                    items.Add(Node(_parser.Current!, depth + 1));
                }

                return new SequenceNode(Where(sequence.Start), items);

            case MappingStart mapping:
                RefuseAnchorsAndTags(mapping);
                var entries = new List<(ScalarNode, ConfigurationNode)>();
                while (Next() is not MappingEnd)
                {
                    ParsingEvent keyEvent = _parser.Current!;
                    if (Node(keyEvent, depth + 1) is not ScalarNode key)
                    {
                        throw Refused(keyEvent, "a key must be a single word");
                    }

                    entries.Add((key, Node(Next(), depth + 1)));
                }

                return new MappingNode(Where(mapping.Start), entries);

            case AnchorAlias:
                throw Refused(first, "aliases (*name) are not accepted; write the value out");

            default:
                throw Refused(first, "this is not valid YAML");
        }
    }

    private void RefuseAnchorsAndTags(NodeEvent node)
    {
        if (!node.Anchor.IsEmpty)
        {
            throw Refused(node, "anchors (&name) are not accepted; write the value out where it is needed");
        }

        if (!node.Tag.IsEmpty)
        {
            throw Refused(node, "tags (!name) are not accepted; leave the tag out");
        }
    }

    [SuppressMessage("Design", "CA1031",
        Justification = "The parser is another's, and its input anybody's: whatever it throws means that the text is no YAML.")]
    private ParsingEvent Next()
    {
        try
        {
            if (_parser.MoveNext() && _parser.Current is { } current)
            {
                return current;
            }
        }
        catch (YamlException cause)
        {
            throw new UserMistakeException(
                $"{Where(cause.Start)}: this is not valid YAML ({ConfigurationText.Shown(cause.Message).TrimEnd('.')}).", cause);
        }
        catch (Exception cause) when (cause is not OutOfMemoryException)
        {
            throw new UserMistakeException($"{_name}: this is not valid YAML ({ConfigurationText.Shown(cause.Message).TrimEnd('.')}).", cause);
        }

        throw new UserMistakeException($"{_name}: this is not valid YAML (it ends too early).");
    }

    private UserMistakeException Refused(ParsingEvent at, string why) => new($"{Where(at.Start)}: {why}.");

    private string Where(Mark mark) => FormattableString.Invariant($"{_name}, line {mark.Line}, column {mark.Column}");
}
