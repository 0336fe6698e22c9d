using System.CommandLine;
using System.Linq.Expressions;
using System.Numerics;

namespace GumbelGan.Cli.Parsing;

/// <summary>
/// A command that turns its words into a record and runs with it. Each option is declared once: its name, what it means and the property that takes
/// its value; what is not given stays as a new record has it, and that is the default of the help text.
/// </summary>
/// <typeparam name="TRequest">All that the user can ask of the command.</typeparam>
internal sealed class RequestCommand<TRequest> : ExplainedCommand
    where TRequest : class, new()
{
    private static readonly TRequest _defaults = new();

    private readonly List<Func<TRequest, ParseResult, TRequest>> _readers = [];
    private readonly OutputCheck _files = new();

    /// <summary>A command without options yet.</summary>
    /// <param name="name">The word the user types.</param>
    /// <param name="description">What it does, one or two sentences.</param>
    /// <param name="run">Does it, and returns an <see cref="ExitCode"/>.</param>
    public RequestCommand(string name, string description, Func<TRequest, int> run)
        : base(name, description) => SetAction(parsed =>
        {
            TRequest request = Read(parsed);
            _files.Refuse(parsed);
            return run(request);
        });

    /// <summary>Adds a word that stands without a name.</summary>
    /// <param name="name">What the help calls it.</param>
    /// <param name="description">What it is.</param>
    /// <param name="property">Where it goes; a property that is not null by itself makes the word optional.</param>
    /// <param name="use">What becomes of the file that it names.</param>
    /// <param name="isRequired">Whether it must be there.</param>
    public RequestCommand<TRequest> Word(string name, string description, Expression<Func<TRequest, string?>> property,
        FileUse use = FileUse.None, bool isRequired = true)
    {
        var target = PropertyPath.Of(property);
        var argument = new Argument<string>(name) { Description = description };
        if (target.Get(_defaults) is string { Length: > 0 } usual)
        {
            argument.DefaultValueFactory = _ => usual;
        }

        if (!isRequired)
        {
            argument.Arity = ArgumentArity.ZeroOrOne;
        }

        _files.Add(use, name, parsed => parsed.GetValue(argument) is { } path ? [path] : []);
        return Add(argument, parsed => parsed.GetValue(argument), target);
    }

    /// <summary>Adds one or more words that stand without a name.</summary>
    public RequestCommand<TRequest> Words(string name, string description, Expression<Func<TRequest, IReadOnlyList<string>>> property,
        FileUse use = FileUse.None)
    {
        var argument = new Argument<string[]>(name) { Description = description, Arity = ArgumentArity.OneOrMore };
        _files.Add(use, name, parsed => parsed.GetValue(argument) ?? []);
        return Add(argument, parsed => parsed.GetValue(argument), PropertyPath.Of(property));
    }

    /// <summary>Adds a word that is one of a few, without a name.</summary>
    public RequestCommand<TRequest> ChosenWord<T>(string name, string description, Expression<Func<TRequest, T>> property, IEnumerable<T> all)
        where T : notnull
    {
        var choice = new Choice<T>(all);
        var argument = new Argument<string>(name) { HelpName = name, Description = description };
        argument.Validators.Add(result => choice.Check($"<{name}>", result));
        argument.CompletionSources.Add([.. choice.Names]);
        return Add(argument, parsed => choice.Named(parsed.GetRequiredValue(argument)), PropertyPath.Of(property));
    }

    /// <summary>Adds an option that is there or not; <paramref name="meaning"/> is what the property becomes where it is.</summary>
    public RequestCommand<TRequest> Flag(string name, string description, Expression<Func<TRequest, bool>> property, bool meaning = true)
    {
        var option = new Option<bool>(name) { Description = description };
        return Add(option, parsed => parsed.GetValue(option) == meaning, PropertyPath.Of(property));
    }

    /// <summary>Adds an option that takes text.</summary>
    /// <param name="name">The option.</param>
    /// <param name="helpName">What the help calls its value: file, folder, name.</param>
    /// <param name="description">What it means.</param>
    /// <param name="property">Where it goes.</param>
    /// <param name="use">What becomes of the file that it names.</param>
    /// <param name="isRequired">Whether the command is nothing without it.</param>
    public RequestCommand<TRequest> Text(string name, string helpName, string description, Expression<Func<TRequest, string?>> property,
        FileUse use = FileUse.None, bool isRequired = false)
    {
        Option<string?> option = TextOption(name, helpName, description);
        option.Required = isRequired;
        _files.Add(use, name, parsed => parsed.GetValue(option) is { } path ? [path] : []);
        return Take(option, PropertyPath.Of(property));
    }

    /// <summary>Adds an option that takes text and changes the request as <paramref name="take"/> says.</summary>
    public RequestCommand<TRequest> Text(string name, string helpName, string description, Func<TRequest, string, TRequest> take,
        IEnumerable<string>? completions = null, FileUse use = FileUse.None)
    {
        Option<string?> option = TextOption(name, helpName, description);
        option.CompletionSources.Add([.. completions ?? []]);
        _files.Add(use, name, parsed => parsed.GetValue(option) is { } path ? [path] : []);
        Options.Add(option);
        _readers.Add((request, parsed) => parsed.GetValue(option) is { } value ? take(request, value) : request);
        return this;
    }

    /// <summary>Adds an option that may be given several times, and changes the request for each as <paramref name="take"/> says.</summary>
    public RequestCommand<TRequest> Texts(string name, string helpName, string description, Func<TRequest, string, TRequest> take,
        Func<IEnumerable<string>>? completions = null, FileUse use = FileUse.None)
    {
        var option = new Option<string[]>(name) { HelpName = helpName, Description = description, Arity = ArgumentArity.OneOrMore };
        option.CompletionSources.Add(_ => (completions?.Invoke() ?? []).Select(text => new System.CommandLine.Completions.CompletionItem(text)));
        _files.Add(use, name, parsed => parsed.GetValue(option) ?? []);
        Options.Add(option);
        _readers.Add((request, parsed) => (parsed.GetValue(option) ?? []).Aggregate(request, take));
        return this;
    }

    /// <summary>Adds an option that names a folder to write.</summary>
    /// <param name="name">The option.</param>
    /// <param name="description">What it means.</param>
    /// <param name="property">Where it goes.</param>
    /// <param name="files">The files that are written into it.</param>
    public RequestCommand<TRequest> OutputFolder(string name, string description, Expression<Func<TRequest, string>> property,
        IReadOnlyList<string> files)
    {
        var option = new Option<string>(name) { HelpName = "folder", Description = description, Required = true };
        _files.Add(FileUse.Write, name,
            parsed => parsed.GetValue(option) is { } folder ? [folder, .. files.Select(file => Path.Combine(folder, file))] : []);
        return Take(option, PropertyPath.Of(property));
    }

    /// <summary>Adds an option that takes one of a few, by its name.</summary>
    /// <param name="name">The option.</param>
    /// <param name="description">What it means.</param>
    /// <param name="property">Where it goes.</param>
    /// <param name="all">All that there are.</param>
    /// <param name="hasVaryingDefault">The default depends on other options, so that the description tells it.</param>
    public RequestCommand<TRequest> Chosen<T>(string name, string description, Expression<Func<TRequest, T>> property, IEnumerable<T> all,
        bool hasVaryingDefault = false)
        where T : notnull
    {
        var choice = new Choice<T>(all);
        var target = PropertyPath.Of(property);
        var option = new Option<string>(name)
        {
            HelpName = string.Join('|', choice.Names),
            Description = description,
        };
        if (!hasVaryingDefault)
        {
            option.DefaultValueFactory = _ => Choice<T>.NameOf((T)target.Get(_defaults)!);
        }

        option.Validators.Add(result => choice.Check(name, result));
        option.CompletionSources.Add([.. choice.Names]);
        return Add(option, parsed => choice.Named(parsed.GetRequiredValue(option)), target);
    }

    /// <summary>Adds an option that takes a number, read as <c>--set</c> reads one.</summary>
    /// <param name="name">The option.</param>
    /// <param name="description">What it means.</param>
    /// <param name="property">Where it goes.</param>
    /// <param name="atLeast">The least that is accepted.</param>
    /// <param name="atMost">The most that is accepted.</param>
    /// <param name="hasVaryingDefault">The default depends on other options, so that the description tells it.</param>
    public RequestCommand<TRequest> Number<T>(string name, string description, Expression<Func<TRequest, T>> property, T? atLeast = null,
        T? atMost = null, bool hasVaryingDefault = false)
        where T : struct, INumber<T>
    {
        var target = PropertyPath.Of(property);
        var range = new NumberRange<T>(atLeast, atMost);
        var option = new Option<T>(name)
        {
            HelpName = "number",
            Description = description,
            CustomParser = result => range.Read(name, result, result.Tokens[0].Value) ?? default,
        };
        if (!hasVaryingDefault)
        {
            option.DefaultValueFactory = _ => (T)target.Get(_defaults)!;
        }

        return Take(option, target);
    }

    /// <summary>Adds an option that takes numbers separated by commas; each is kept once, in ascending order.</summary>
    public RequestCommand<TRequest> Numbers<T>(string name, string description, Expression<Func<TRequest, IReadOnlyList<T>>> property,
        T? atLeast = null, T? atMost = null)
        where T : struct, INumber<T>
    {
        var target = PropertyPath.Of(property);
        var range = new NumberRange<T>(atLeast, atMost);
        // An option of text, whose default then reads in the help as it is typed.
        var option = new Option<string>(name)
        {
            HelpName = "list",
            Description = description,
            DefaultValueFactory = _ => string.Join(',', ((IReadOnlyList<T>)target.Get(_defaults)!).Select(NumberRange<T>.Text)),
        };
        option.Validators.Add(
            result => Array.ForEach(result.Tokens.ToArray(), token => Split(token.Value).ForEach(item => range.Read(name, result, item))));
        return Add(option,
            parsed => (IReadOnlyList<T>)[.. Split(parsed.GetRequiredValue(option)).Select(NumberRange<T>.Parse).Distinct().Order()], target);

        static List<string> Split(string list) => [.. list.Split(',').Select(item => item.Trim())];
    }

    /// <summary>Says that the command also writes a file that no option names, so that no input may be it.</summary>
    /// <param name="file">The file, by the request.</param>
    public RequestCommand<TRequest> AlsoWrites(Func<TRequest, string> file)
    {
        _files.Add(FileUse.Write, "", parsed => [file(Read(parsed))]);
        return this;
    }

    private TRequest Read(ParseResult parsed) => _readers.Aggregate(new TRequest(), (request, reader) => reader(request, parsed));

    private static Option<string?> TextOption(string name, string helpName, string description) =>
        new(name) { HelpName = helpName, Description = description };

    private RequestCommand<TRequest> Take<T>(Option<T> option, PropertyPath target) => Add(option, parsed => parsed.GetValue(option), target);

    private RequestCommand<TRequest> Add(Option option, Func<ParseResult, object?> value, PropertyPath target)
    {
        Options.Add(option);
        return Add(parsed => parsed.GetResult(option) is { Implicit: false }, value, target);
    }

    private RequestCommand<TRequest> Add(Argument argument, Func<ParseResult, object?> value, PropertyPath target)
    {
        Arguments.Add(argument);
        return Add(parsed => parsed.GetResult(argument) is { Tokens.Count: > 0 }, value, target);
    }

    private RequestCommand<TRequest> Add(Func<ParseResult, bool> isGiven, Func<ParseResult, object?> value, PropertyPath target)
    {
        _readers.Add((request, parsed) =>
        {
            if (isGiven(parsed))
            {
                target.Set(request, value(parsed));
            }

            return request;
        });
        return this;
    }
}
